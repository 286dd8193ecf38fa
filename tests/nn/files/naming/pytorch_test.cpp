#include <tests/nn/files/naming/against_outside.hpp>

#include <nn/files/naming/pytorch.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/residual.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using outside::check_against;
using outside::H;
using outside::I;
using outside::Numbers;
using outside::pytorch_gru;
using outside::pytorch_lstm;
using outside::pytorch_rnn;
using outside::randomise;
using outside::run;
using outside::Shapes;
using outside::side_by_side;

/// The arrays of one layer and direction: G gates, H units, and what it reads.
Shapes layer_shapes(const std::string& suffix, std::size_t G, std::size_t inputs, std::size_t state = H) {
    return {{"weight_ih" + suffix, {G * H, inputs}},
            {"weight_hh" + suffix, {G * H, state}},
            {"bias_ih" + suffix, {G * H}},
            {"bias_hh" + suffix, {G * H}}};
}

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

}  // namespace

TEST_CASE("pytorch: RNN of tanh and relu") {
    nn::Generator generator(1);
    for (const bool relu : {false, true}) {
        CAPTURE(relu);
        nn::ElmanCell<double> cell(I, H, generator, {relu ? nn::Activation::relu : nn::Activation::tanh});
        check_against(cell, nn::pytorch(cell), layer_shapes("_l0", 1, I),
                      [&](const auto& arrays, const auto& x) {
                          return run(pytorch_rnn(arrays, "", "_l0", relu), x, H, 0);
                      });
    }
}

TEST_CASE("pytorch: LSTM") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    check_against(cell, nn::pytorch(cell), layer_shapes("_l0", 4, I), [](const auto& arrays, const auto& x) {
        return run(pytorch_lstm(arrays, "", "_l0"), x, H, H);
    });
}

TEST_CASE("pytorch: LSTM with a projection") {
    nn::Generator generator(1);
    constexpr std::size_t P = 2;
    nn::LstmVariantCell<double> cell(I, H, generator, {.projection = P});
    Shapes shapes = layer_shapes("_l0", 4, I, P);
    shapes["weight_hr_l0"] = {P, H};
    check_against(cell, nn::pytorch(cell), shapes, [](const auto& arrays, const auto& x) {
        return run(pytorch_lstm(arrays, "", "_l0"), x, P, H);
    });
}

TEST_CASE("pytorch: GRU, also as one step's module") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator);
    check_against(cell, nn::pytorch(cell), layer_shapes("_l0", 3, I), [](const auto& arrays, const auto& x) {
        return run(pytorch_gru(arrays, "", "_l0"), x, H, 0);
    });
    check_against(
        cell, nn::pytorch_cell(cell), layer_shapes("", 3, I),
        [](const auto& arrays, const auto& x) { return run(pytorch_gru(arrays, "", ""), x, H, 0); });
}

TEST_CASE("pytorch: a module of two layers and both directions, with dropout between them") {
    nn::Generator generator(1);
    const auto both = [&](std::size_t inputs) {
        return nn::Bidirectional{nn::GruCell<double>(inputs, H, generator),
                                 nn::GruCell<double>(inputs, H, generator)};
    };
    nn::Stack<double> stack(both(I), nn::Dropout{0.5}, both(2 * H));
    nn::Naming<double> naming;
    naming.add("encoder.gru", nn::pytorch(stack));
    Shapes shapes;
    for (const std::string direction : {"", "_reverse"}) {
        shapes.merge(layer_shapes("_l0" + direction, 3, I));
        shapes.merge(layer_shapes("_l1" + direction, 3, 2 * H));
    }
    Shapes prefixed;
    for (const auto& [name, shape] : shapes) prefixed.emplace("encoder.gru." + name, shape);
    check_against(stack, naming, prefixed, [](const auto& arrays, const auto& x) {
        std::vector<Numbers> read = x;
        for (const std::string layer : {"_l0", "_l1"})
            read =
                side_by_side(run(pytorch_gru(arrays, "encoder.gru.", layer), read, H, 0),
                             run(pytorch_gru(arrays, "encoder.gru.", layer + "_reverse"), read, H, 0, true));
        return read;
    });
}

TEST_CASE("pytorch: layers of a stack by themselves, and a Linear") {
    nn::Generator generator(1);
    nn::Stack<double> stack(nn::LstmCell<double>(I, H, generator), nn::LstmCell<double>(H, H, generator),
                            nn::Linear<double>(H, 2, generator));
    nn::Naming<double> naming;
    naming.add("lstm", nn::pytorch(stack.layer(0)));
    naming.add("lstm", nn::pytorch(stack.layer(1), 1));
    naming.add("fc", nn::pytorch(stack.layer(2)));
    Shapes shapes{{"fc.weight", {2, H}}, {"fc.bias", {2}}};
    for (const auto& [name, shape] : layer_shapes("_l0", 4, I)) shapes["lstm." + name] = shape;
    for (const auto& [name, shape] : layer_shapes("_l1", 4, H)) shapes["lstm." + name] = shape;
    check_against(stack, naming, shapes, [](const auto& arrays, const auto& x) {
        const auto h = run(pytorch_lstm(arrays, "lstm.", "_l1"),
                           run(pytorch_lstm(arrays, "lstm.", "_l0"), x, H, H), H, H);
        const auto& weight = std::get<Tensor<double>>(arrays.arrays.at("fc.weight"));
        const auto& bias = std::get<Tensor<double>>(arrays.arrays.at("fc.bias"));
        std::vector<Numbers> outputs;
        for (const Numbers& row : h) {
            outputs.push_back({bias(0), bias(1)});
            for (std::size_t o = 0; o < 2; ++o)
                for (std::size_t k = 0; k < H; ++k) outputs.back()[o] += weight(o, k) * row[k];
        }
        return outputs;
    });
    CHECK(contains(
        refusal([&] { nn::pytorch(stack); }),
        "pytorch: `layer2` is no layer of a recurrent module; name the layers of the stack one by one"));
}

TEST_CASE("pytorch: a bias goes out as itself and zeros") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator);
    Random random("biases");
    randomise(cell.parameters(), random);
    const nn::NamedArrays arrays = nn::named_arrays(nn::pytorch(cell));
    const auto& second = std::get<Tensor<double>>(arrays.arrays.at("bias_hh_l0"));
    for (std::size_t k = 0; k < 2 * H; ++k) CHECK(second(k) == 0);
    for (std::size_t k = 0; k < H; ++k) CHECK(second(2 * H + k) == cell.b_recurrent.value()(k));
    nn::LstmCell<double> lstm(I, H, generator);
    const nn::NamedArrays of_lstm = nn::named_arrays(nn::pytorch(lstm));
    CHECK(std::get<Tensor<double>>(of_lstm.arrays.at("bias_hh_l0")) == nn::zeros<double>({4 * H}));
    check_same_bits(std::get<Tensor<double>>(of_lstm.arrays.at("bias_ih_l0")), lstm.b.value());
}

TEST_CASE("pytorch: Embedding and LayerNorm") {
    nn::Generator generator(1);
    nn::Embedding<float> table(5, 2, generator);
    const nn::NamedArrays arrays = nn::named_arrays(nn::pytorch(table));
    CHECK(std::get<Tensor<float>>(arrays.arrays.at("weight")) == table.table.value());
    nn::LayerNorm<double> norm(3);
    norm.beta.assign({1, 2, 3});
    const nn::NamedArrays of_norm = nn::named_arrays(nn::pytorch(norm));
    CHECK(std::get<Tensor<double>>(of_norm.arrays.at("weight")) == Tensor<double>{1, 1, 1});
    CHECK(std::get<Tensor<double>>(of_norm.arrays.at("bias")) == Tensor<double>{1, 2, 3});
}

TEST_CASE("pytorch: what it does not have is refused with the reason") {
    nn::Generator generator(1);
    const auto lstm = [&](nn::LstmVariantOptions options) {
        nn::LstmVariantCell<float> cell(I, H, generator, options);
        return refusal([&] { nn::pytorch(cell); });
    };
    CHECK(lstm({.peephole = true}) ==
          "pytorch: there is no counterpart of this LstmVariantCell: the LSTM of PyTorch has no peepholes");
    CHECK(contains(lstm({.coupled = true}), "the LSTM of PyTorch has a forget gate of its own"));
    CHECK(contains(lstm({.layer_norm = true}), "does not normalise its gates"));
    CHECK(contains(lstm({.cell_clip = 1}), "does not limit its memory"));
    CHECK(contains(lstm({.projection = 2, .projection_clip = 1}), "does not limit its output"));
    CHECK(contains(lstm({.projection = 2, .projection_bias = true}), "has a projection without bias"));
    CHECK(contains(lstm({.gate_activation = nn::GateActivation::hard_sigmoid}), "not by hard_sigmoid"));
    CHECK(lstm({}) == "");

    nn::GruCell<float> takes(I, H, generator, {.update = nn::Update::takes});
    CHECK(refusal([&] { nn::pytorch(takes); }) ==
          "pytorch: there is no counterpart of this GruCell: the update gate of PyTorch keeps the old state, "
          "and "
          "Update::takes takes the new one");
    nn::GruCell<float> hard(I, H, generator, {.gate_activation = nn::GateActivation::hard_sigmoid});
    CHECK(contains(refusal([&] { nn::pytorch(hard); }), "not by hard_sigmoid"));
    nn::ResetBeforeGruCell<float> before(I, H, generator);
    CHECK(contains(refusal([&] { nn::pytorch(before); }),
                   "applies its reset gate after the recurrent product"));
    nn::MinimalGruCell<float> minimal(I, H, generator);
    CHECK(contains(refusal([&] { nn::pytorch(minimal); }), "has a reset gate"));
    nn::ElmanCell<float> sigmoid(I, H, generator, {nn::Activation::sigmoid});
    CHECK(contains(refusal([&] { nn::pytorch(sigmoid); }), "tanh and relu, and no sigmoid"));
}

TEST_CASE("pytorch: layers that are not one module are refused") {
    nn::Generator generator(1);
    using Cell = nn::LstmCell<float>;
    nn::Stack<float> sizes(Cell(I, H, generator), Cell(H, H + 1, generator));
    CHECK(refusal([&] { nn::pytorch(sizes); }) ==
          "pytorch: the layers and directions of one module are alike, and these are not: LSTM of 3 units; "
          "LSTM "
          "of 4 units; name them one by one");
    nn::Stack<float> kinds(Cell(I, H, generator), nn::GruCell<float>(H, H, generator));
    CHECK(contains(refusal([&] { nn::pytorch(kinds); }), "LSTM of 3 units; GRU of 3 units"));
    nn::Stack<float> directions(Cell(I, H, generator),
                                nn::Bidirectional{Cell(H, H, generator), Cell(H, H, generator)});
    CHECK(contains(refusal([&] { nn::pytorch(directions); }),
                   "LSTM of 3 units; bidirectional LSTM of 3 units"));
    nn::Bidirectional widths{Cell(I, H, generator), Cell(I, H + 1, generator)};
    CHECK(contains(refusal([&] { nn::pytorch(widths); }), "LSTM of 3 units; LSTM of 4 units"));
    nn::Bidirectional sum{Cell(I, H, generator), Cell(I, H, generator), nn::Merge::sum};
    CHECK(contains(refusal([&] { nn::pytorch(sum); }), "PyTorch concatenates the outputs"));
    nn::Stack<float> backward(nn::Reversed<Cell>{Cell(I, H, generator)});
    CHECK(contains(refusal([&] { nn::pytorch(backward); }), "no layer that only reads backward"));
    nn::Stack<float> unknown(nn::Residual<Cell>{Cell(H, H, generator)});
    CHECK(contains(refusal([&] { nn::pytorch(unknown); }), "none that PyTorch has as well"));
}
