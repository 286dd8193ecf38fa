// Many to one: a sequence goes in, a single answer comes out. Sine, square and saw-tooth waves of any phase
// and frequency, in noise and of different lengths; the model has to say which of the three it read.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

using namespace tapeloop;

constexpr std::size_t longest = 40;

/// A padded batch: [T, B, 1], how much of each row counts, and the kind of each row.
struct Waves {
    Tensor<float> x;
    std::vector<std::size_t> lengths;
    nn::Targets kinds;
};

double wave(std::ptrdiff_t kind, double phase) {
    phase -= std::floor(phase);
    if (kind == 0) return std::sin(2 * std::numbers::pi * phase);
    if (kind == 1) return phase < 0.5 ? 1 : -1;
    return 2 * phase - 1;
}

Waves draw_waves(std::size_t count, nn::Generator& generator) {
    Waves waves{nn::zeros<float>({longest, count, 1}), std::vector<std::size_t>(count),
                nn::Targets::from_shape({count})};
    for (std::size_t i = 0; i < count; ++i) {
        waves.lengths[i] = 20 + generator.below(longest - 19);
        waves.kinds[i] = static_cast<std::ptrdiff_t>(generator.below(3));
        const double frequency = generator.uniform(0.05, 0.12);
        const double phase = generator.uniform();
        for (std::size_t t = 0; t < waves.lengths[i]; ++t)
            waves.x(t, i, 0) = static_cast<float>(
                wave(waves.kinds[i], phase + frequency * static_cast<double>(t)) + 0.1 * generator.normal());
    }
    return waves;
}

struct Classifier {
    nn::GruCell<float> cell;
    nn::Linear<float> output;

    explicit Classifier(nn::Generator& generator) : cell(1, 24, generator), output(24, 3, generator) {}

    Var<float> operator()(const Waves& waves) const {
        const auto read = nn::unroll(cell, waves.x, {.lengths = waves.lengths});
        return output(nn::last_outputs(read.outputs, waves.lengths));
    }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

double accuracy(const Var<float>& logits, const nn::Targets& kinds) {
    const Tensor<float> values = logits.value();
    double right = 0;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        const float* row = values.data() + i * 3;
        right += std::max_element(row, row + 3) - row == kinds[i] ? 1 : 0;
    }
    return right / static_cast<double>(kinds.size());
}

int main() {
    nn::Generator generator(1);
    Classifier model(generator);
    optim::Adam<float> adam(model.parameters(), {.learning_rate = 0.01});
    for (int step = 1; step <= 300; ++step) {
        const Waves waves = draw_waves(32, generator);
        const Tape<float> tape;
        const Var<float> logits = model(waves);
        const Var<float> J = nn::softmax_cross_entropy(logits, waves.kinds);
        Gradients<float> gradients = gradient(J, model.parameters());
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        if (step % 50 == 0)
            fmt::print("step {:3}: loss {:.4f}, {:.0f} % right\n", step, J.item(),
                       100 * accuracy(logits, waves.kinds));
    }

    const Waves waves = draw_waves(500, generator);
    const Tape<float> tape;
    const double right = accuracy(model(waves), waves.kinds);
    std::array<double, 3> counts{};
    for (std::ptrdiff_t kind : waves.kinds) ++counts[static_cast<std::size_t>(kind)];
    const double baseline = *std::ranges::max_element(counts) / static_cast<double>(waves.kinds.size());
    fmt::print("waves told right: {:.1f} %; always the most frequent kind: {:.1f} %\n", 100 * right,
               100 * baseline);
    return right > baseline ? 0 : 1;
}
