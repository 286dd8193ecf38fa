#include <tests/nn/cells/cell_check.hpp>

#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

// The library's cells against their equations in plain loops, over a sequence of several steps.

namespace {

Step elman_step(double (*f)(double)) {
    return [f](const Tensor<double>& x, const Tensors& state, const Tensors& p) {
        return Tensors{generate({B, H}, [&](const Position& i) {
            return f(product(x, p[0], i[0], i[1]) + product(state[0], p[1], i[0], i[1]) + at(p[2], {i[1]}));
        })};
    };
}

Tensors lstm_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const auto gate = [&](std::size_t k, const Position& i) {
        const std::size_t column = k * H + i[1];
        return product(x, p[0], i[0], column) + product(state[0], p[1], i[0], column) + at(p[2], {column});
    };
    const Tensor<double> c = generate({B, H}, [&](const Position& i) {
        return logistic(gate(1, i)) * at(state[1], i) + logistic(gate(0, i)) * std::tanh(gate(2, i));
    });
    return {generate({B, H}, [&](const Position& i) { return logistic(gate(3, i)) * std::tanh(at(c, i)); }),
            c};
}

Tensors gru_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const auto from_x = [&](std::size_t k, const Position& i) {
        return product(x, p[0], i[0], k * H + i[1]) + at(p[2], {k * H + i[1]});
    };
    const auto from_h = [&](std::size_t k, const Position& i) {
        return product(state[0], p[1], i[0], k * H + i[1]);
    };
    return {generate({B, H}, [&](const Position& i) {
        const double update = logistic(from_x(0, i) + from_h(0, i));
        const double reset = logistic(from_x(1, i) + from_h(1, i));
        const double candidate = std::tanh(from_x(2, i) + reset * (from_h(2, i) + at(p[3], {i[1]})));
        return update * at(state[0], i) + (1 - update) * candidate;
    })};
}

/// Returns whether the k-th of n square blocks, side by side, is orthogonal.
template <class V>
void check_orthogonal_block(const Tensor<V>& packed, std::size_t k) {
    const std::size_t n = packed.shape()[0];
    const Tensor<double> block = part_of(as_double(packed), 1, k * n, n);
    const Tensor<double> squares = generate({n, n}, [&](const Position& i) {
        double total = 0;
        for (std::size_t j = 0; j < n; ++j) total += at(block, {i[0], j}) * at(block, {i[1], j});
        return total;
    });
    check_close(squares, nn::identity<double>(n), 1e-5);
}

}  // namespace

TEST_CASE("cells: Elman's values and gradients of both orders are those of plain loops") {
    nn::Generator generator(1);
    const auto check = [&](nn::Activation activation, double (*f)(double)) {
        nn::ElmanCell<double> cell(I, H, generator, {activation});
        check_cell(cell, case_of(cell, elman_step(f)));
    };
    SUBCASE("tanh") {
        check(nn::Activation::tanh, [](double a) { return std::tanh(a); });
    }
    SUBCASE("relu") {
        check(nn::Activation::relu, [](double a) { return a > 0 ? a : 0; });
    }
    SUBCASE("sigmoid") { check(nn::Activation::sigmoid, logistic); }
}

TEST_CASE("cells: the LSTM's values and gradients of both orders are those of plain loops") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    check_cell(cell, case_of(cell, lstm_step));
}

TEST_CASE("cells: the GRU's values and gradients of both orders are those of plain loops") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator);
    check_cell(cell, case_of(cell, gru_step));
}

TEST_CASE("cells: in float they are near those in double") {
    nn::Generator generator(1);
    const auto check = [&](auto&& cell, const Step& step) { check_float(cell, case_of(cell, step)); };
    const auto tanh_step = elman_step([](double a) { return std::tanh(a); });
    check(nn::ElmanCell<float>(I, H, generator), tanh_step);
    check(nn::LstmCell<float>(I, H, generator), lstm_step);
    check(nn::GruCell<float>(I, H, generator), gru_step);
}

TEST_CASE("cells: start from zeros, and list their parameters by name") {
    nn::Generator generator(1);
    const auto check = [&](auto&& cell, const std::vector<std::string>& names) {
        Tape<float> tape;
        const auto is_zero = [](const Var<float>& part) {
            check_same_bits(as_double(part.value()), filled({B, H}, 0));
        };
        nn::for_each_part(is_zero, cell.initial_state(B));
        std::vector<std::string> paths;
        for (const auto& entry : cell.parameters()) paths.push_back(entry.path);
        CHECK(paths == names);
    };
    check(nn::ElmanCell<float>(I, H, generator), {"U", "W", "b"});
    check(nn::LstmCell<float>(I, H, generator), {"U", "W", "b"});
    check(nn::GruCell<float>(I, H, generator), {"U", "W", "b", "b_recurrent"});
}

TEST_CASE("cells: each gate starts as a matrix of its own, the forget gate open") {
    nn::Generator generator(7);
    const nn::LstmCell<float> lstm(I, H, generator);
    for (std::size_t k = 0; k < 4; ++k) check_orthogonal_block(lstm.W.value(), k);
    for (std::size_t k = 0; k < 4 * H; ++k) CHECK(lstm.b.value()[k] == (k / H == 1 ? 1.0F : 0.0F));
    CHECK(nn::LstmCell<float>(I, H, generator, {.forget_bias = -2}).b.value()[H] == -2.0F);
    const nn::GruCell<float> gru(I, H, generator);
    for (std::size_t k = 0; k < 3; ++k) check_orthogonal_block(gru.W.value(), k);
    CHECK(shape_of(gru.U.value()) == Shape{I, 3 * H});
    const double bound = std::sqrt(6.0 / (I + H));
    for (float element : lstm.U.value()) CHECK(std::abs(element) <= bound);
    const Tensor<double> first = part_of(as_double(lstm.U.value()), 1, 0, H);
    CHECK(difference(part_of(as_double(lstm.U.value()), 1, H, H), first, 0.1) != "");
}

TEST_CASE("cells: weights that do not fit, and sizes of 0, are refused") {
    nn::Generator generator(1);
    const auto elman = [](const Shape& U, const Shape& W, const Shape& b) {
        return text_of<std::invalid_argument>(
            [&] { nn::ElmanCell<double>(filled(U, 1), filled(W, 1), filled(b, 1)); });
    };
    CHECK(elman({3, 4}, {4, 4}, {4}) == "");
    CHECK(elman({3, 4}, {4, 5}, {4}) ==
          "ElmanCell: U is [3, 4], W [4, 5] and b [4]; they must be [I, H], [H, H] and [H]");
    CHECK(elman({4, 3}, {4, 4}, {4}) != "");
    CHECK(elman({3, 4}, {4, 4}, {4, 1}) != "");
    CHECK(elman({4}, {4, 4}, {4}) != "");
    const auto refused = [&](auto&& make, const std::string& text) {
        CHECK(text_of<std::invalid_argument>([&] { make(); }) == text);
    };
    refused([&] { nn::ElmanCell<double>(0, 2, generator); },
            "ElmanCell: input_size is 0 and hidden_size 2; both must be at least 1");
    refused([&] { nn::LstmCell<double>(2, 0, generator); },
            "LstmCell: input_size is 2 and hidden_size 0; both must be at least 1");
    refused([&] { nn::GruCell<double>(0, 0, generator); },
            "GruCell: input_size is 0 and hidden_size 0; both must be at least 1");
}

TEST_CASE("cells: the models of the lecture have as many parameters as in Keras") {
    nn::Generator generator(1);
    const auto elman = [&](std::size_t inputs, std::size_t units) {
        return nn::ElmanCell<float>(inputs, units, generator).parameters().value_count();
    };
    const auto dense = [&](std::size_t inputs) {
        return nn::Linear<float>(inputs, 1, generator).parameters().value_count();
    };
    CHECK(elman(4, 3) == 24);
    CHECK(elman(1, 20) + dense(20) == 461);
    CHECK(elman(1, 256) + dense(256) == 66305);
    CHECK(elman(1, 34) + 3 * elman(34, 34) + dense(34) == 8297);
    // LSTM(10) and GRU(10), reset after, of one input; Keras' GRU has a second bias for all three gates, of
    // which only the candidate's is not merely added.
    CHECK(nn::LstmCell<float>(1, 10, generator).parameters().value_count() == 480);
    CHECK(nn::GruCell<float>(1, 10, generator).parameters().value_count() == 390 - 2 * 10);
}

TEST_CASE("cells: the stacked notation W_a [h, x] is the two separate products, in value and in gradients") {
    nn::Generator generator(1);
    const nn::ElmanCell<double> cell(I, H, generator);
    Random random("stacked");
    Tape<double> tape;
    const Var<double> h = input(random.tensor({B, H}));
    const Var<double> x = input(random.tensor({B, I}));
    // Row vectors: [h, x] is [B, H + I], and W_a, which is W above U, [H + I, H].
    const Var<double> W_a = concatenate({input(cell.W), input(cell.U)}, 0);
    const Var<double> stacked = tanh(affine(concatenate({h, x}, 1), W_a, cell.b));
    const Var<double> separate = nn::advance(cell, x, h).first;
    check_close(stacked.value(), separate.value(), 1e-15);

    const Tensor<double> cotangent = random.tensor({B, H});
    const WrtList<double> wrt{cell.U, cell.W, cell.b, h, x};
    const Gradients<double> by_stacked = gradient({GradientRoot<double>{stacked, cotangent}}, wrt);
    const Gradients<double> by_separate = gradient({GradientRoot<double>{separate, cotangent}}, wrt);
    for (std::size_t k = 0; k < by_stacked.size(); ++k)
        check_close(by_stacked.at(k), by_separate.at(k), 1e-14);
}
