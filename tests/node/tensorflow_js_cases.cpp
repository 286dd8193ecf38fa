#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/files/naming/keras.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/files/weights/weights.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>

#include <cmath>
#include <cstdio>

// tensorflow_js_cases FOLDER: writes layers' weights under Keras' names, an input and the outputs, all in one
// file for each. With `check` it reads what TensorFlow.js has written: its own weights and their outputs.

namespace {

using namespace tapeloop;

constexpr double tolerance = 1e-5;

nn::Generator generator(14);

class Cases {
  public:
    Cases(std::filesystem::path folder, bool checks) : folder_(std::move(folder)), checks_(checks) {}

    /// `run` makes the outputs of x.
    template <class L, class X, class Run>
    void add(const std::string& name, L layer, const X& x, const Run& run) {
        nn::Naming<float> naming = nn::keras(layer);
        if (checks_) {
            check(name, naming, [&](const nn::AnyArray& given) { return run(layer, std::get<X>(given)); });
            return;
        }
        for (const auto& entry : layer.parameters())
            for (float& element : entry.parameter->update())
                element += static_cast<float>(generator.uniform(-0.5, 0.5));
        nn::NamedArrays arrays = nn::named_arrays(naming);
        arrays.arrays.emplace("x", x);
        arrays.arrays.emplace("y", run(layer, x));
        nn::write_safetensors(folder_ / (name + ".safetensors"), arrays);
    }
    int failures() const { return failures_; }

  private:
    template <class Run>
    void check(const std::string& name, const nn::Naming<float>& naming, const Run& run) {
        nn::NamedArrays arrays = nn::read_safetensors(folder_ / (name + ".back.safetensors"));
        const nn::AnyArray x = arrays.arrays.extract("x").mapped();
        const auto expected = std::get<Tensor<float>>(arrays.arrays.extract("y").mapped());
        nn::load(arrays, naming);
        const Tensor<float> found = run(x);
        double largest = found.shape() == expected.shape() ? 0 : 1;
        for (std::size_t i = 0; largest < 1 && i < found.size(); ++i)
            largest = std::fmax(largest, std::abs(double{found.flat(i)} - double{expected.flat(i)}));
        const bool fails = !(largest <= tolerance);
        fmt::print("{} and back: {}at most {:.1e} off\n", name, fails ? "FAILED: " : "", largest);
        failures_ += fails ? 1 : 0;
    }

    std::filesystem::path folder_;
    bool checks_;
    int failures_ = 0;
};

/// x and the outputs are [B, T, ..], as Keras has them.
const auto unrolled = [](const auto& layer, const Tensor<float>& x) {
    const Tape<float> tape;
    return nn::unroll(layer, x, {.batch_first = true}).outputs.value();
};
const auto applied = [](const auto& layer, const Tensor<float>& x) {
    const Tape<float> tape;
    return layer(input(x)).value();
};
const auto looked_up = [](const nn::Embedding<float>& layer, const xt::xarray<std::int64_t>& tokens) {
    const Tape<float> tape;
    return layer(tokens).value();
};

}  // namespace

int main(int argc, char** argv) {
    const bool checks = argc == 3 && std::string_view(argv[2]) == "check";
    if (argc != 2 && !checks) {
        fmt::print(stderr, "usage: tensorflow_js_cases FOLDER [check]\n");
        return 2;
    }
    Cases cases(argv[1], checks);
    nn::Generator& g = generator;
    const Tensor<float> x = nn::uniform<float>({2, 5, 4}, -1.5, 1.5, g);
    cases.add("lstm", nn::LstmCell<float>(4, 3, g), x, unrolled);
    cases.add("lstm_hard",
              nn::LstmVariantCell<float>(4, 3, g, {.gate_activation = nn::GateActivation::hard_sigmoid}), x,
              unrolled);
    cases.add("gru", nn::ResetBeforeGruCell<float>(4, 3, g), x, unrolled);
    cases.add("simple_rnn", nn::ElmanCell<float>(4, 3, g), x, unrolled);
    cases.add("bidirectional", nn::Bidirectional(nn::LstmCell<float>(4, 3, g), nn::LstmCell<float>(4, 3, g)),
              x, unrolled);
    cases.add("dense", nn::Linear<float>(4, 3, g), x, applied);
    cases.add("layer_norm", nn::LayerNorm<float>(4), x, applied);
    cases.add("embedding", nn::Embedding<float>(5, 3, g), xt::xarray<std::int64_t>{{4, 0, 1}, {2, 3, 3}},
              looked_up);
    return cases.failures() == 0 ? 0 : 1;
}
