#include <tests/nn/files/naming/against_outside.hpp>

#include <nn/files/naming/flax.hpp>
#include <nn/generator.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using outside::check_against;
using outside::flax_gru;
using outside::flax_lstm;
using outside::flax_mgu;
using outside::flax_rnn;
using outside::H;
using outside::I;
using outside::Numbers;
using outside::run;
using outside::Shapes;
using outside::shapes_of;
using outside::side_by_side;

/// A Dense for each letter: of the inputs and of the state, with biases where `biases` says.
Shapes cell_shapes(const std::string& prefix, const std::vector<std::string>& letters,
                   const std::vector<std::string>& biases, std::size_t inputs = I) {
    Shapes shapes;
    for (const std::string& letter : letters) {
        shapes[prefix + "i" + letter + ".kernel"] = {inputs, H};
        shapes[prefix + "h" + letter + ".kernel"] = {H, H};
    }
    for (const std::string& name : biases) shapes[prefix + name + ".bias"] = {H};
    return shapes;
}

const std::vector<std::string> lstm_letters{"i", "f", "g", "o"};
const std::vector<std::string> lstm_biases{"hi", "hf", "hg", "ho"};
const std::vector<std::string> gru_letters{"r", "z", "n"};
const std::vector<std::string> gru_biases{"ir", "iz", "in", "hn"};

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

}  // namespace

TEST_CASE("flax: SimpleCell") {
    nn::Generator generator(1);
    nn::ElmanCell<double> cell(I, H, generator);
    check_against(cell, nn::flax(cell), cell_shapes("", {""}, {"i"}),
                  [](const auto& arrays, const auto& x) { return run(flax_rnn(arrays, ""), x, H, 0); });
}

TEST_CASE("flax: LSTMCell, of either class") {
    nn::Generator generator(1);
    const auto theirs = [](const auto& arrays, const auto& x) { return run(flax_lstm(arrays, ""), x, H, H); };
    nn::LstmCell<double> cell(I, H, generator);
    check_against(cell, nn::flax(cell), cell_shapes("", lstm_letters, lstm_biases), theirs);
    nn::LstmVariantCell<double> variant(I, H, generator);
    check_against(variant, nn::flax(variant), cell_shapes("", lstm_letters, lstm_biases), theirs);
}

TEST_CASE("flax: GRUCell and MGUCell") {
    nn::Generator generator(1);
    nn::GruCell<double> gru(I, H, generator);
    check_against(gru, nn::flax(gru), cell_shapes("", gru_letters, gru_biases),
                  [](const auto& arrays, const auto& x) { return run(flax_gru(arrays, ""), x, H, 0); });
    nn::MinimalGruCell<double> minimal(I, H, generator);
    check_against(minimal, nn::flax(minimal), cell_shapes("", {"f", "n"}, {"if", "in"}),
                  [](const auto& arrays, const auto& x) { return run(flax_mgu(arrays, ""), x, H, 0); });
}

TEST_CASE("flax: Bidirectional under an RNN that reads backward, and a Dense") {
    nn::Generator generator(1);
    nn::Stack<double> stack;
    stack.add("both",
              nn::Bidirectional{nn::GruCell<double>(I, H, generator), nn::GruCell<double>(I, H, generator)});
    stack.add("lstm", nn::Reversed{nn::LstmCell<double>(2 * H, H, generator)});
    stack.add("dense", nn::Linear<double>(H, H, generator));
    Shapes shapes = cell_shapes("both.forward_rnn.cell.", gru_letters, gru_biases);
    shapes.merge(cell_shapes("both.backward_rnn.cell.", gru_letters, gru_biases));
    shapes.merge(cell_shapes("lstm.", lstm_letters, lstm_biases, 2 * H));
    shapes["dense.kernel"] = {H, H};
    shapes["dense.bias"] = {H};
    check_against(stack, nn::flax(stack), shapes, [](const auto& arrays, const auto& x) {
        const auto both = side_by_side(run(flax_gru(arrays, "both.forward_rnn.cell."), x, H, 0),
                                       run(flax_gru(arrays, "both.backward_rnn.cell."), x, H, 0, true));
        const auto h = run(flax_lstm(arrays, "lstm."), both, H, H, true);
        const auto& kernel = std::get<Tensor<double>>(arrays.arrays.at("dense.kernel"));
        const auto& bias = std::get<Tensor<double>>(arrays.arrays.at("dense.bias"));
        std::vector<Numbers> outputs;
        for (const Numbers& row : h) {
            outputs.push_back({bias.begin(), bias.end()});
            for (std::size_t o = 0; o < H; ++o)
                for (std::size_t k = 0; k < H; ++k) outputs.back()[o] += row[k] * kernel(k, o);
        }
        return outputs;
    });
}

TEST_CASE("flax: Embed and LayerNorm") {
    nn::Generator generator(1);
    nn::Embedding<double> table(5, 2, generator);
    CHECK(shapes_of(nn::named_arrays(nn::flax(table))) == Shapes{{"embedding", {5, 2}}});
    nn::LayerNorm<double> norm(3);
    norm.beta.assign({1, 2, 3});
    const nn::NamedArrays arrays = nn::named_arrays(nn::flax(norm));
    CHECK(std::get<Tensor<double>>(arrays.arrays.at("scale")) == Tensor<double>{1, 1, 1});
    CHECK(std::get<Tensor<double>>(arrays.arrays.at("bias")) == Tensor<double>{1, 2, 3});
}

TEST_CASE("flax: what it does not have is refused with the reason") {
    nn::Generator generator(1);
    nn::LstmVariantCell<float> hard(I, H, generator, {.gate_activation = nn::GateActivation::hard_sigmoid});
    CHECK(contains(refusal([&] { nn::flax(hard); }), "the LSTM of Flax squashes its gates by the sigmoid"));
    nn::GruCell<float> takes(I, H, generator, {.update = nn::Update::takes});
    CHECK(contains(refusal([&] { nn::flax(takes); }), "the update gate of Flax keeps the old state"));
    nn::MinimalGruCell<float> minimal(I, H, generator, {.update = nn::Update::takes});
    CHECK(contains(refusal([&] { nn::flax(minimal); }), "no counterpart of this MinimalGruCell"));
    nn::ResetBeforeGruCell<float> before(I, H, generator);
    CHECK(contains(refusal([&] { nn::flax(before); }), "applies its reset gate after the recurrent product"));
}
