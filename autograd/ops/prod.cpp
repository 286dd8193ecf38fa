#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

#include <algorithm>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
Array<T> unit_matrix(const Array<T>&, std::size_t n) {
    Buffer<T> unit({n, n});
    std::fill_n(unit.data(), unit.size(), T(0));
    for (std::size_t i = 0; i < n; ++i) unit.data()[i * n + i] = 1;
    return unit;
}
template <class T>
Tensor<T> unit_matrix(const Var<T>&, std::size_t n) {
    return unit_matrix(Array<T>(), n).tensor();
}

/// Returns for each element the product of the others along the last axis: from the left times from the
/// right, since the whole divided by the element is nothing where that is 0.
struct ProdOfOthers {
    static constexpr std::string_view name = "prod_of_others";
    static constexpr Description description{.equation = "y = Π x of all other elements",
                                             .rules = {{"x", "Σ g ⊙ Π x of all but the two elements"}}};

    static Shape shape(const Shape& x) { return x; }
    template <class T>
    static void value(const Buffer<T>& y, const Array<T>& x) {
        if (x.size() == 0) return;
        const std::size_t n = x.shape().back();
        T* to = y.data();
        for (const T* from = x.data(); from != x.data() + x.size(); from += n, to += n) {
            T product = 1;
            for (std::size_t i = 0; i < n; ++i) {
                to[i] = product;
                product *= from[i];
            }
            product = 1;
            for (std::size_t i = n; i-- > 0;) {
                to[i] *= product;
                product *= from[i];
            }
        }
    }
    static auto rules();
};

template <class T>
Array<T> prod_of_others(const Array<T>& x) {
    return apply(ProdOfOthers{}, x);
}
template <class T>
Var<T> prod_of_others(const Var<T>& x) {
    return apply(ProdOfOthers{}, x);
}

/// Row i is x with 1 in place of its i-th element, so that the product of the others leaves out two.
auto ProdOfOthers::rules() {
    return std::tuple{[](const auto& g, const auto&, const auto& x) {
        const auto unit = unit_matrix(x, x.shape().back());
        const auto without_one = where(unit, 1, expand_dims(x, -2));
        return sum(expand_dims(g, -1) * where(unit, 0, prod_of_others(without_one)), -2);
    }};
}

/// Multiplies along the last axis, which is the only one of the rule's matrices.
struct Prod {
    static constexpr std::string_view name = "prod";
    static constexpr Description description{.equation = "y = Π x",
                                             .rules = {{"x", "g ⊙ Π x of all other elements"}}};
    static OnnxValue onnx(const OnnxValue& x) {
        return onnx_node("ReduceProd", {x}, {{"axes", std::vector<std::int64_t>{-1}}, {"keepdims", 0}});
    }

    static Shape shape(const Shape& x) {
        Shape result;
        for (std::size_t i = 0; i + 1 < x.rank(); ++i) result.append(x[i]);
        return result;
    }
    template <class T>
    static void value(const Buffer<T>& y, const Array<T>& x) {
        const std::size_t n = x.shape().back();
        for (std::size_t row = 0; row < y.size(); ++row) {
            T product = 1;
            for (std::size_t i = 0; i < n; ++i) product *= x.data()[row * n + i];
            y.data()[row] = product;
        }
    }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto& x) { return expand_dims(g, -1) * prod_of_others(x); }};
    }
};

template <class T>
Var<T> product(const Operand<T>& x, Axes axes, bool keepdims) {
    Tape<T>& tape = tape_of(Prod::name, x);
    const Shape& whole = x.shape();
    const std::uint32_t mask = checked(tape, x.site(), [&] { return axes.mask(Prod::name, whole.rank()); });
    // The axes that are kept, and behind them as one the others.
    std::vector<int> order;
    std::vector<int> reduced;
    Shape kept;
    Shape result;
    std::size_t count = 1;
    for (std::size_t i = 0; i < whole.rank(); ++i) {
        const bool is_reduced = (mask >> i & 1U) != 0;
        (is_reduced ? reduced : order).push_back(static_cast<int>(i));
        if (is_reduced)
            count *= whole[i];
        else
            kept.append(whole[i]);
        if (!is_reduced || keepdims) result.append(is_reduced ? 1 : whole[i]);
    }
    order.insert(order.end(), reduced.begin(), reduced.end());
    Shape rows = kept;
    rows.append(count);

    Var<T> last = tape.var(x.enter(tape));
    const auto here = [&] { return Operand<T>(last, x.site()); };
    if (!std::is_sorted(order.begin(), order.end())) last = transpose(here(), order);
    if (last.shape() != rows) last = reshape(here(), rows);
    last = apply(Prod{}, here());
    return last.shape() == result ? last : reshape(here(), result);
}

}  // namespace

Var<float> prod(const Operand<float>& x, Axes axes, bool keepdims) { return product(x, axes, keepdims); }
Var<double> prod(const Operand<double>& x, Axes axes, bool keepdims) { return product(x, axes, keepdims); }

}  // namespace tapeloop
