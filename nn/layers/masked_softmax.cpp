#include <fmt/format.h>
#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/record/definition.hpp>
#include <nn/layers/masked_softmax.hpp>

#include <cmath>
#include <limits>

namespace tapeloop::nn {

using namespace tapeloop::detail;

namespace {

constexpr double nothing = -std::numeric_limits<double>::infinity();

struct Opened {
    static auto value(const auto& x, const auto& open) { return where(equal(open, 0), nothing, x); }
};
struct ExpDifference {
    static auto value(const auto& x, const auto& shift) { return exp(x - shift); }
};

struct MaskedSoftmax {
    static constexpr std::string_view name = "masked_softmax";
    static constexpr Description description{
        .equation = "y = softmax(x) of the elements where c ≠ 0, 0 elsewhere",
        .rules = {{"x", "y ⊙ (g - Σ g ⊙ y)"}, {"c", "0"}},
        .limits = {0, 1},
        .is_gate = true,
        .letter = "p"};

    static OnnxValue onnx(const OnnxValue& x, const OnnxValue& open) {
        constexpr double lowest = std::numeric_limits<float>::lowest();
        const OnnxValue among = onnx_node("Where", {onnx_truth(open), x, lowest});
        return onnx_node("Where", {onnx_truth(open), onnx_node("Softmax", {among}, {{"axis", -1}}), 0.0});
    }

    static Shape shape(const Shape& x, const Shape& open) {
        if (x.rank() == 0 || !broadcasts_to(open, x))
            throw std::invalid_argument(
                fmt::format("{}: scores are {} and open is {}; scores must have an axis, and open broadcast "
                            "to them",
                            name, x.text(), open.text()));
        return x;
    }

    template <class T>
    static void value(const Buffer<T>& y, const Array<T>& x, const Array<T>& open) {
        if (x.size() == 0) return;
        const Shape rows = x.shape().with(x.shape().rank() - 1, 1);
        const Buffer<T> opened(x.shape());
        const Buffer<T> shift(rows);
        const Buffer<T> total(rows);
        run_function<T, 2>(Opened{}, x.shape(), {x, open}, {opened.data(), false});
        max_into(opened, rows, shift.data());
        for (T& element : shift.elements())
            if (element == static_cast<T>(nothing)) element = 0;
        run_function<T, 2>(ExpDifference{}, x.shape(), {opened, shift}, {opened.data(), false});
        sum_into(opened, rows, {total.data(), false});
        for (T& element : total.elements())
            if (element == 0) element = 1;
        run_function<T, 2>(elementary::Divide{}, x.shape(), {opened, total}, {y.data(), false});
    }

    static auto rules() {
        return std::tuple{[](const auto& g, const auto& y, const auto&, const auto&) {
            return y * (g - sum(g * y, -1, true));
        }};
    }
};

}  // namespace

Var<float> masked_softmax(const Operand<float>& scores, const Operand<float>& open) {
    return apply(MaskedSoftmax{}, scores, open);
}
Var<double> masked_softmax(const Operand<double>& scores, const Operand<double>& open) {
    return apply(MaskedSoftmax{}, scores, open);
}

}  // namespace tapeloop::nn
