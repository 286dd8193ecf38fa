#include <tests/nn/layers/against_loops.hpp>

#include <nn/layers/masked_softmax.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

Tensors in_loops(const Tensor<double>& scores, const Tensor<double>& open) {
    const Tensor<double> counts = repeated(open, shape_of(scores));
    const std::size_t S = shape_of(scores).back();
    Tensor<double> y = filled(shape_of(scores), 0);
    for (std::size_t row = 0; row < scores.size() / S; ++row) {
        double total = 0;
        for (std::size_t k = row * S; k < row * S + S; ++k)
            if (counts.data()[k] != 0) total += std::exp(scores.data()[k]);
        for (std::size_t k = row * S; k < row * S + S; ++k)
            if (counts.data()[k] != 0) y.data()[k] = std::exp(scores.data()[k]) / total;
    }
    return {y};
}

}  // namespace

TEST_CASE("masked_softmax: values and gradients of both orders are those of plain loops") {
    Random random("masked softmax");
    const Tensor<double> scores = random.tensor({2, 3, 4}, -2, 2);
    for (const Tensor<double>& open :
         {tensor({2, 1, 4}, {1, 1, 0, 0, 0, 1, 1, 1}), tensor({2, 1, 4}, {0, 0, 0, 0, 1, 0, 0, 0}),
          tensor({4}, {1, 0, 1, 2}), filled({}, 1), filled({}, 0)})
        check_against_loops([&](const auto& x) { return std::vector{nn::masked_softmax(x[0], open)}; },
                            [&](const Tensors& x) { return in_loops(x[0], open); }, {scores});
}

TEST_CASE("masked_softmax: what is not open may be anything, and large scores are safe") {
    const double nan = std::nan("");
    const double inf = std::numeric_limits<double>::infinity();
    const Tape<double> tape;
    const Var<double> scores = input(tensor({3, 3}, {nan, 1, 1, 800, -800, inf, nan, inf, -inf}));
    const Var<double> y = nn::masked_softmax(scores, tensor({3, 3}, {0, 1, 1, 1, 1, 0, 0, 0, 0}));
    check_close(y.value(), tensor({3, 3}, {0, 0.5, 0.5, 1, 0, 0, 0, 0, 0}));
    const Tensor<double> cotangent = tensor({3, 3}, {5, 1, 3, 2, 7, 1, 1, 2, 3});
    check_close(gradient(std::vector<GradientRoot<double>>{{y, cotangent}}, {scores}).at(0),
                tensor({3, 3}, {0, -0.5, 0.5, 0, 0, 0, 0, 0, 0}));
    CHECK(nn::masked_softmax(filled({2, 0}, 1), 1).shape() == Shape{2, 0});
    CHECK(nn::masked_softmax(filled({0, 2}, 1), 1).shape() == Shape{0, 2});
}

TEST_CASE("masked_softmax: errors") {
    const Tape<double> tape;
    const auto text = [](const Shape& scores, const Shape& open) {
        return text_of<std::invalid_argument>(
            [&] { nn::masked_softmax(filled(scores, 1), filled(open, 1)); });
    };
    CHECK(contains(text({2, 3}, {2}),
                   "masked_softmax: scores are [2, 3] and open is [2]; scores must have an axis, and open "
                   "broadcast to them"));
    CHECK(text({3}, {2, 3}) != "");
    CHECK(text({}, {}) != "");
    CHECK(tape.size() == 0);
}
