// Many to many, aligned: an answer for each symbol as it is read. In texts such as "ab(c(d)e)f", of different
// lengths, the model marks what stands inside parentheses, which it can only know from what it read before.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <array>
#include <string>

using namespace tapeloop;

const std::string symbols = "abcd()";
constexpr std::size_t longest = 24;
constexpr std::ptrdiff_t uncounted = -1;

/// A padded batch: symbols and marks [T, B], 1 for inside.
struct Texts {
    nn::Targets symbols;
    nn::Targets marks;
    std::vector<std::size_t> lengths;
};

Texts draw_texts(std::size_t count, nn::Generator& generator) {
    Texts texts{nn::Targets::from_shape({longest, count}), nn::Targets::from_shape({longest, count}),
                std::vector<std::size_t>(count)};
    texts.symbols.fill(0);
    texts.marks.fill(uncounted);
    for (std::size_t i = 0; i < count; ++i) {
        texts.lengths[i] = 8 + generator.below(longest - 7);
        int depth = 0;
        for (std::size_t t = 0; t < texts.lengths[i]; ++t) {
            auto symbol = static_cast<std::ptrdiff_t>(generator.below(symbols.size()));
            if ((symbol == 4 && depth == 3) || (symbol == 5 && depth == 0)) symbol = 0;
            texts.symbols(t, i) = symbol;
            texts.marks(t, i) = depth > 0 && !(symbol == 5 && depth == 1) ? 1 : 0;
            depth += symbol == 4 ? 1 : symbol == 5 ? -1 : 0;
        }
    }
    return texts;
}

struct Marker {
    nn::Embedding<float> embedding;
    nn::GruCell<float> cell;
    nn::Linear<float> output;

    explicit Marker(nn::Generator& generator)
        : embedding(symbols.size(), 6, generator), cell(6, 24, generator), output(24, 2, generator) {}

    Var<float> operator()(const Texts& texts) const {
        return output(nn::unroll(cell, embedding(texts.symbols), {.lengths = texts.lengths}).outputs);
    }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("embedding", embedding.parameters());
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

nn::Targets marks_of(const Var<float>& logits) {
    const Tensor<float> values = logits.value();
    nn::Targets marks = nn::Targets::from_shape({values.shape()[0], values.shape()[1]});
    for (std::size_t i = 0; i < marks.size(); ++i)
        marks.data()[i] = values.data()[2 * i + 1] > values.data()[2 * i] ? 1 : 0;
    return marks;
}

double accuracy(const nn::Targets& marks, const nn::Targets& right_ones) {
    double right = 0;
    double count = 0;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        if (right_ones.data()[i] == uncounted) continue;
        right += marks.data()[i] == right_ones.data()[i] ? 1 : 0;
        count += 1;
    }
    return right / count;
}

/// Each symbol with the mark that it has most often.
nn::Targets marks_by_symbol(const Texts& texts) {
    std::array<int, 6> inside{};
    for (std::size_t i = 0; i < texts.marks.size(); ++i)
        if (texts.marks.data()[i] != uncounted)
            inside[static_cast<std::size_t>(texts.symbols.data()[i])] += texts.marks.data()[i] == 1 ? 1 : -1;
    nn::Targets marks = texts.symbols;
    for (std::ptrdiff_t& mark : marks) mark = inside[static_cast<std::size_t>(mark)] > 0 ? 1 : 0;
    return marks;
}

int main() {
    nn::Generator generator(1);
    Marker model(generator);
    optim::Adam<float> adam(model.parameters(), {.learning_rate = 0.01});
    for (int step = 1; step <= 200; ++step) {
        const Texts texts = draw_texts(32, generator);
        const Tape<float> tape;
        const Var<float> logits = model(texts);
        const Var<float> J = nn::softmax_cross_entropy(
            logits, texts.marks, {.reduction = nn::Reduction::mean, .ignore = uncounted});
        Gradients<float> gradients = gradient(J, model.parameters());
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        if (step % 40 == 0)
            fmt::print("step {:3}: loss {:.4f}, {:.1f} % right\n", step, J.item(),
                       100 * accuracy(marks_of(logits), texts.marks));
    }

    const Texts texts = draw_texts(300, generator);
    const Tape<float> tape;
    const nn::Targets marks = marks_of(model(texts));
    std::string read;
    std::string marked;
    for (std::size_t t = 0; t < texts.lengths[0]; ++t) {
        read += symbols[static_cast<std::size_t>(texts.symbols(t, 0))];
        marked += marks(t, 0) == 1 ? '^' : ' ';
    }
    fmt::print("{}\n{}\n", read, marked);
    const double right = accuracy(marks, texts.marks);
    const double baseline = accuracy(marks_by_symbol(texts), texts.marks);
    fmt::print("symbols marked right: {:.1f} %; each by itself, as it is most often: {:.1f} %\n", 100 * right,
               100 * baseline);
    return right > baseline ? 0 : 1;
}
