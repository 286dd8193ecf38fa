#include <tests/nn/files/naming/against_outside.hpp>

#include <nn/files/naming/keras.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/residual.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using outside::check_against;
using outside::H;
using outside::I;
using outside::keras_gru;
using outside::keras_lstm;
using outside::keras_rnn;
using outside::Numbers;
using outside::run;
using outside::Shapes;
using outside::shapes_of;
using outside::side_by_side;

Shapes cell_shapes(const std::string& prefix, std::size_t G, std::size_t inputs) {
    return {{prefix + "kernel", {inputs, G * H}},
            {prefix + "recurrent_kernel", {H, G * H}},
            {prefix + "bias", {G * H}}};
}

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

}  // namespace

TEST_CASE("keras: SimpleRNN") {
    nn::Generator generator(1);
    nn::ElmanCell<double> cell(I, H, generator);
    check_against(cell, nn::keras(cell), cell_shapes("simple_rnn_cell/", 1, I),
                  [](const auto& arrays, const auto& x) {
                      return run(keras_rnn(arrays, "simple_rnn_cell/"), x, H, 0);
                  });
}

TEST_CASE("keras: LSTM, of either class, as a layer and as a cell") {
    nn::Generator generator(1);
    const auto theirs = [](const std::string& prefix) {
        return
            [prefix](const auto& arrays, const auto& x) { return run(keras_lstm(arrays, prefix), x, H, H); };
    };
    nn::LstmCell<double> cell(I, H, generator);
    check_against(cell, nn::keras(cell), cell_shapes("lstm_cell/", 4, I), theirs("lstm_cell/"));
    check_against(cell, nn::keras_cell(cell), cell_shapes("", 4, I), theirs(""));
    nn::LstmVariantCell<double> variant(I, H, generator);
    check_against(variant, nn::keras(variant), cell_shapes("lstm_cell/", 4, I), theirs("lstm_cell/"));
}

TEST_CASE("keras: GRU of both conventions") {
    nn::Generator generator(1);
    nn::GruCell<double> after(I, H, generator);
    Shapes shapes = cell_shapes("gru_cell/", 3, I);
    shapes["gru_cell/bias"] = {2, 3 * H};
    check_against(after, nn::keras(after), shapes, [](const auto& arrays, const auto& x) {
        return run(keras_gru(arrays, "gru_cell/", true), x, H, 0);
    });
    nn::ResetBeforeGruCell<double> before(I, H, generator);
    check_against(before, nn::keras(before), cell_shapes("gru_cell/", 3, I),
                  [](const auto& arrays, const auto& x) {
                      return run(keras_gru(arrays, "gru_cell/", false), x, H, 0);
                  });
}

TEST_CASE("keras: a Sequential of both directions, a layer that goes backward, and a Dense") {
    nn::Generator generator(1);
    nn::Stack<double> stack;
    stack.add("bidirectional", nn::Bidirectional{nn::LstmCell<double>(I, H, generator),
                                                 nn::LstmCell<double>(I, H, generator)});
    stack.add("dropout", nn::Dropout{0.5});
    stack.add("gru", nn::Reversed{nn::GruCell<double>(2 * H, H, generator)});
    stack.add("dense", nn::Linear<double>(H, 2, generator));
    Shapes shapes = cell_shapes("bidirectional/forward_lstm/lstm_cell/", 4, I);
    shapes.merge(cell_shapes("bidirectional/backward_lstm/lstm_cell/", 4, I));
    shapes.merge(cell_shapes("gru/gru_cell/", 3, 2 * H));
    shapes["gru/gru_cell/bias"] = {2, 3 * H};
    shapes["dense/kernel"] = {H, 2};
    shapes["dense/bias"] = {2};
    check_against(stack, nn::keras(stack), shapes, [](const auto& arrays, const auto& x) {
        const auto both =
            side_by_side(run(keras_lstm(arrays, "bidirectional/forward_lstm/lstm_cell/"), x, H, H),
                         run(keras_lstm(arrays, "bidirectional/backward_lstm/lstm_cell/"), x, H, H, true));
        const auto h = run(keras_gru(arrays, "gru/gru_cell/", true), both, H, 0, true);
        const auto& kernel = std::get<Tensor<double>>(arrays.arrays.at("dense/kernel"));
        const auto& bias = std::get<Tensor<double>>(arrays.arrays.at("dense/bias"));
        std::vector<Numbers> outputs;
        for (const Numbers& row : h) {
            outputs.push_back({bias(0), bias(1)});
            for (std::size_t o = 0; o < 2; ++o)
                for (std::size_t k = 0; k < H; ++k) outputs.back()[o] += row[k] * kernel(k, o);
        }
        return outputs;
    });
}

TEST_CASE("keras: the second Bidirectional of a model, and a prefix before all") {
    nn::Generator generator(1);
    nn::Bidirectional both{nn::GruCell<float>(I, H, generator), nn::GruCell<float>(I, H, generator)};
    nn::Naming<float> naming("/");
    naming.add("bidirectional_1", nn::keras(both, "gru_1"));
    nn::Naming<float> model("/");
    model.add("sequential", naming);
    CHECK(model[0].name() == "sequential/bidirectional_1/forward_gru_1/gru_cell/kernel");
    CHECK(model[5].name() == "sequential/bidirectional_1/backward_gru_1/gru_cell/bias");
}

TEST_CASE("keras: Embedding and LayerNormalization") {
    nn::Generator generator(1);
    nn::Embedding<double> table(5, 2, generator);
    CHECK(shapes_of(nn::named_arrays(nn::keras(table))) == Shapes{{"embeddings", {5, 2}}});
    nn::LayerNorm<double> norm(3);
    norm.beta.assign({1, 2, 3});
    const nn::NamedArrays arrays = nn::named_arrays(nn::keras(norm));
    CHECK(std::get<Tensor<double>>(arrays.arrays.at("gamma")) == Tensor<double>{1, 1, 1});
    CHECK(std::get<Tensor<double>>(arrays.arrays.at("beta")) == Tensor<double>{1, 2, 3});
}

TEST_CASE("keras: what it does not have is refused with the reason") {
    nn::Generator generator(1);
    nn::LstmVariantCell<float> projected(I, H, generator, {.projection = 2});
    CHECK(contains(refusal([&] { nn::keras(projected); }), "the LSTM of Keras has no projection"));
    nn::LstmVariantCell<float> peephole(I, H, generator, {.peephole = true});
    CHECK(contains(refusal([&] { nn::keras(peephole); }), "the LSTM of Keras has no peepholes"));
    nn::LstmVariantCell<float> hard(I, H, generator, {.gate_activation = nn::GateActivation::hard_sigmoid});
    CHECK(refusal([&] { nn::keras(hard); }) == "");
    nn::GruCell<float> takes(I, H, generator, {.update = nn::Update::takes});
    CHECK(contains(refusal([&] { nn::keras(takes); }), "the update gate of Keras keeps the old state"));
    nn::ResetBeforeGruCell<float> before(I, H, generator, {.update = nn::Update::takes});
    CHECK(contains(refusal([&] { nn::keras(before); }), "no counterpart of this ResetBeforeGruCell"));
    nn::MinimalGruCell<float> minimal(I, H, generator);
    CHECK(contains(refusal([&] { nn::keras(minimal); }), "the GRU of Keras has a reset gate"));
    nn::AnyLayer<float> unknown(nn::Residual{nn::LstmCell<float>(H, H, generator)});
    CHECK(contains(refusal([&] { nn::keras(unknown); }), "none that Keras has as well"));
}
