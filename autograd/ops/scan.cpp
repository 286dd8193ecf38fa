#include <autograd/kernels/lines.hpp>
#include <autograd/kernels/strided.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/scan.hpp>
#include <autograd/record/definition.hpp>

#include <vector>

namespace tapeloop {

using namespace detail;

namespace {

/// The axis and the direction of a scan, for definitions that keep x's shape.
struct Along {
    int axis;
    bool from_end = false;

    std::string arguments() const { return fmt::format("axis {}{}", axis, from_end ? " from the end" : ""); }
    Along reversed() const { return {axis, !from_end}; }
    std::size_t in(const Shape& x) const { return normalised_axis("scan", axis, x.rank()); }
};

/// Sets the elements of y along an axis one by one: `next(state, i)` is the state behind element i, and is
/// written there.
template <class T, class Next>
void scan(const Buffer<T>& y, const Along& along, double start, const Next& next) {
    const Lines lines(y.shape(), along.in(y.shape()));
    // All lines of a block at once, so that memory is read in order.
    std::vector<double> states(lines.stride);
    for (std::size_t block = 0; block < lines.blocks; ++block) {
        std::fill(states.begin(), states.end(), start);
        for (std::size_t k = 0; k < lines.extent; ++k) {
            const std::size_t place = along.from_end ? lines.extent - 1 - k : k;
            const std::size_t row = (block * lines.extent + place) * lines.stride;
            for (std::size_t i = 0; i < lines.stride; ++i) {
                states[i] = next(states[i], row + i);
                y.data()[row + i] = static_cast<T>(states[i]);
            }
        }
    }
}

/// Moves x on by one place along an axis; `fill` enters and the last one falls out.
struct Shift : Along {
    static constexpr std::string_view name = "shift";
    static constexpr Description description{.equation = "y = x, one place on",
                                             .rules = {{"x", "g, one place back"}},
                                             .kind = OperationKind::layout};
    double fill = 0;

    static Shape shape(const Shape& x) { return x; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const std::size_t at = in(x.shape());
        const std::size_t extent = x.shape()[at];
        if (extent == 0) return;
        std::fill_n(y.data(), y.size(), static_cast<T>(fill));
        const View all = View::of(x.shape());
        transfer(all.sliced(at, from_end ? 1 : 0, extent - 1), x.data(),
                 all.sliced(at, from_end ? 0 : 1, extent - 1), {y.data(), false});
    }
    auto rules() const {
        return std::tuple{
            [along = reversed()](const auto& g, const auto&, const auto&) { return apply(Shift{along}, g); }};
    }
};

struct CumulativeSum : Along {
    static constexpr std::string_view name = "cumsum";
    static constexpr Description description{.equation = "y = Σ x up to each element",
                                             .rules = {{"x", "Σ g from each element on"}}};
    OnnxValue onnx(const OnnxValue& x) const {
        return onnx_node("CumSum", {x, OnnxValue::integers({axis}, {})}, {{"reverse", from_end ? 1 : 0}});
    }

    Shape shape(const Shape& x) const {
        normalised_axis(name, axis, x.rank());
        return x;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        scan(y, *this, 0, [from = x.data()](double sum, std::size_t i) { return sum + from[i]; });
    }
    auto rules() const {
        return std::tuple{[along = reversed()](const auto& g, const auto&, const auto&) {
            return apply(CumulativeSum{along}, g);
        }};
    }
};

/// y_k = b_k + a_k y_{k-1}, with nothing in front. Its cotangents make another one, from the other end.
struct Recurrence : Along {
    static constexpr std::string_view name = "recurrence";
    static constexpr Description description{
        .equation = "y = b + a ⊙ (y one place before)",
        .rules = {{"a", "r ⊙ (y one place before), r = g + (a ⊙ r one place behind)"},
                  {"b", "r = g + (a ⊙ r one place behind)"}}};

    static Shape shape(const Shape& a, const Shape&) { return a; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& a, const Array<T>& b) const {
        scan(y, *this, 0, [a = a.data(), b = b.data()](double before, std::size_t i) {
            return static_cast<double>(b[i]) + static_cast<double>(a[i]) * before;
        });
    }
    auto rules() const;
};

template <class T>
Array<T> recurrence(const Along& along, const Array<T>& a, const Array<T>& b) {
    return apply(Recurrence{along}, a, b);
}
template <class T>
Var<T> recurrence(const Along& along, const Var<T>& a, const Var<T>& b) {
    return apply(Recurrence{along}, Operand<T>(a), Operand<T>(b));
}

/// Returns what reaches each y_k from its own cotangent and from all that were made of it.
auto cotangents(const Along& along, const auto& g, const auto& a) {
    return recurrence(along.reversed(), apply(Shift{along.reversed()}, a), g);
}

auto Recurrence::rules() const {
    const Along along = *this;
    return std::tuple{
        [along](const auto& g, const auto& y, const auto& a, const auto&) {
            return scale(cotangents(along, g, a), apply(Shift{along}, y));
        },
        [along](const auto& g, const auto&, const auto& a, const auto&) { return cotangents(along, g, a); }};
}

struct CumulativeProduct : Along {
    static constexpr std::string_view name = "cumprod";
    static constexpr Description description{
        .equation = "y = Π x up to each element",
        .rules = {{"x", "Σ g ⊙ y without that factor, from each element on"}}};

    Shape shape(const Shape& x) const {
        normalised_axis(name, axis, x.rank());
        return x;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        scan(y, *this, 1, [from = x.data()](double product, std::size_t i) { return product * from[i]; });
    }
    auto rules() const {
        const Along along = *this;
        return std::tuple{[along](const auto& g, const auto& y, const auto& x) {
            return scale(cotangents(along, g, x), apply(Shift{along, 1}, y));
        }};
    }
};

}  // namespace

Var<float> cumsum(const Operand<float>& x, int axis) { return apply(CumulativeSum{{axis}}, x); }
Var<double> cumsum(const Operand<double>& x, int axis) { return apply(CumulativeSum{{axis}}, x); }
Var<float> cumprod(const Operand<float>& x, int axis) { return apply(CumulativeProduct{{axis}}, x); }
Var<double> cumprod(const Operand<double>& x, int axis) { return apply(CumulativeProduct{{axis}}, x); }

}  // namespace tapeloop
