#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/record/steady.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/sgd.hpp>

#include <memory>
#include <stdexcept>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Sizes at which packing is worth it.
struct Sizes {
    Shape x;
    Shape W;
    Transposed transposed;
};
const std::vector<Sizes> worth_packing{{{8, 1024}, {1024, 1024}, {}},
                                       {{64, 64}, {64, 64}, {false, true}},
                                       {{4, 64}, {64, 64}, {false, true}},
                                       {{5, 70}, {70, 70}, {}},
                                       {{16, 512}, {512, 512}, {}}};

template <class T>
Tensor<double> product(const Tensor<T>& x, const Parameter<T>& W, Transposed transposed) {
    Tape<T> tape;
    return as_double(matmul(input(x), W, transposed).value());
}

template <class T>
void check_change(const std::function<void(Parameter<T>&)>& change) {
    for (const auto& [x_shape, W_shape, transposed] : worth_packing) {
        CAPTURE(W_shape.text());
        Random random("stale");
        const auto x = rounded<T>(random.tensor(x_shape));
        Parameter<T> W("W", rounded<T>(random.tensor(W_shape)));
        Tape<T> tape;
        const Var<T> read = input(x);
        for (int round = 0; round < 3; ++round) static_cast<void>(matmul(read, W, transposed));
        change(W);
        check_same_bits(as_double(matmul(read, W, transposed).value()), product(x, W, transposed));
        check_same_bits(as_double(affine(read, W, 0).value()), [&] {
            Tape<T> other;
            return as_double(affine(input(x), W, 0).value());
        }());
        for (int round = 0; round < 3; ++round) static_cast<void>(matmul(read, W, transposed));
        W.update()[5] += 3;
        check_same_bits(as_double(matmul(read, W, transposed).value()), product(x, W, transposed));
    }
}

template <class T>
void check_changes() {
    check_change<T>([](Parameter<T>& W) { std::fill(W.update().begin(), W.update().end(), T(0)); });
    check_change<T>([](Parameter<T>& W) { W.update()[3] = 7; });
    check_change<T>([](Parameter<T>& W) { W.assign(Tensor<T>(W.value() * T(2))); });
    check_change<T>([](Parameter<T>& W) {
        Tape<T> tape;
        optim::Sgd<T> optimizer(parameter_list(W), {.learning_rate = 0.5});
        optimizer.step(gradient(sum(square(input(W))), {W}));
    });
}

}  // namespace

TEST_CASE("repeated products: a parameter that was changed is read anew") {
    check_changes<float>();
    check_changes<double>();
}

TEST_CASE("repeated products: also when it is changed through elements that were asked for earlier") {
    Random random("kept");
    const Tensor<double> x = random.tensor({64, 64});
    Parameter<double> W("W", random.tensor({64, 64}));
    Tape<double> tape;
    const Var<double> read = input(x);
    const std::span<double> elements = W.update();
    for (int trial = 0; trial < 4; ++trial) {
        for (double& element : elements) element *= 0.5;
        for (int round = 0; round < 3; ++round)
            check_same_bits(matmul(read, W, {false, true}).value(), product(x, W, {false, true}));
    }
}

TEST_CASE("repeated products: a line search over a matrix on one tape") {
    Random random("search");
    const auto x = rounded<float>(random.tensor({8, 1024}));
    Parameter<float> W("W", rounded<float>(filled({1024, 1024}, 1)));
    Tape<float> tape;
    const Var<float> read = input(x);
    const double first = sum(square(matmul(read, W))).item();
    for (int trial = 0; trial < 4; ++trial) {
        for (float& element : W.update()) element *= 0.5F;
        const double expected = first * std::pow(0.25, trial + 1);
        CHECK(sum(square(matmul(read, W))).item() == doctest::Approx(expected));
    }
}

TEST_CASE("repeated products: other elements in the same place, after an attempt was taken back") {
    Random random("attempt");
    const Tensor<double> x = random.tensor({64, 64});
    Tape<double> tape;
    const Var<double> read = input(x);
    const detail::Steady steady(tape);
    for (double scale : {1.0, 2.0, 3.0}) {
        const detail::Rollback rollback(tape);
        const Tensor<double> b = random.tensor({64, 64}) * scale;
        const Var<double> other = input(b);
        for (int round = 0; round < 3; ++round) {
            const Parameter<double> same("b", b);
            // Packed: other kernels, other roundings.
            check_close(matmul(read, other, {false, true}).value(), product(x, same, {false, true}), 1e-10);
        }
    }
}

TEST_CASE("repeated products: a cell that changes its own matrix between time steps") {
    struct Fading {
        Parameter<double>* W;
        static Var<double> initial_state(std::size_t batch) { return input(filled({batch, 64}, 1)); }
        std::pair<Var<double>, Var<double>> step(const Var<double>& x, const Var<double>& h) const {
            for (double& element : W->update()) element *= 0.5;
            const Var<double> next = matmul(h, *W, {false, true}) + x;
            return {next, next};
        }
        ParameterList<double> parameters() { return parameter_list(*W); }
    };
    Random random("fading");
    const Tensor<double> start = random.tensor({64, 64}) * 0.2;
    Parameter<double> W("W", start);
    Tape<double> tape;
    const Tensor<double> outputs = nn::unroll(Fading{&W}, filled({5, 16, 64}, 0)).outputs.value();
    Tensor<double> h = filled({16, 64}, 1);
    for (std::size_t t = 0; t < 5; ++t) {
        const Parameter<double> at_t("W", Tensor<double>(start * std::pow(0.5, t + 1)));
        h = product(h, at_t, {false, true});
        check_close(part_of(outputs, 0, t, 1), h.reshape({1, 16, 64}), 1e-12);
        h.reshape({16, 64});
    }
}

TEST_CASE("repeated products: a rule that multiplies by a buffer of its own, filled anew each time") {
    const auto buffer = std::make_shared<Tensor<double>>(filled({64, 64}, 0));
    const auto calls = std::make_shared<double>(0);
    const auto scaled = custom(
        "scaled", [](const auto& x) { return 1.0 * x; },
        [=](const Array<double>& g, const Array<double>&, const Array<double>&) {
            *calls += 1;
            for (std::size_t i = 0; i < 64; ++i) (*buffer)(i, i) = *calls;
            return matmul(g, Array<double>({64, 64}, buffer->data()), {false, true}).array();
        });
    Tape<double> tape;
    const Var<double> x = input(filled({64, 64}, 1));
    Var<double> y = x;
    for (int k = 0; k < 4; ++k) y = scaled(y);
    check_close(gradient(sum(y), {x})[x], filled({64, 64}, 24));
}
