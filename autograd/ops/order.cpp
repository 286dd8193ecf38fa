#include <autograd/kernels/lines.hpp>
#include <autograd/ops/order.hpp>
#include <autograd/record/definition.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

namespace tapeloop {

using namespace detail;

namespace {

/// Numbers in their order, and NaN above them.
template <class T>
bool is_below(T a, T b) {
    return a < b || (std::isnan(b) && !std::isnan(a));
}

/// The elements along an axis that are taken, and their order.
struct Order {
    int axis;
    bool descending;
    std::size_t count;

    /// Calls `f(line, positions)` for each line along the axis with the positions of those elements.
    template <class T, class F>
    void each_line(const Shape& shape, const T* x, const F& f) const {
        const Lines lines(shape, normalised_axis("order", axis, shape.rank()));
        std::vector<std::size_t> positions(lines.extent);
        for (std::size_t line = 0; line < lines.count(); ++line) {
            const T* from = lines.extent == 0 ? x : x + lines.start(line);
            const auto comes_first = [&](std::size_t i, std::size_t j) {
                const T a = from[i * lines.stride];
                const T b = from[j * lines.stride];
                if (is_below(a, b)) return !descending;
                if (is_below(b, a)) return descending;
                return i < j;
            };
            std::iota(positions.begin(), positions.end(), std::size_t(0));
            const auto last = positions.begin() + static_cast<std::ptrdiff_t>(count);
            if (last == positions.end())
                std::sort(positions.begin(), last, comes_first);
            else
                std::partial_sort(positions.begin(), last, positions.end(), comes_first);
            f(line, std::span(positions.data(), count));
        }
    }

    Shape shape(const Shape& x) const { return x.with(normalised_axis("order", axis, x.rank()), count); }

    /// Computes for each element of the result something that follows from its line's start, its stride and
    /// its position.
    template <class T, class F>
    auto each(const Shape& x_shape, const T* x, const F& of_element) const {
        const Lines from(x_shape, normalised_axis("order", axis, x_shape.rank()));
        const Lines to(shape(x_shape), normalised_axis("order", axis, x_shape.rank()));
        std::vector<decltype(of_element(from, std::size_t(), std::size_t()))> all(to.count() * to.extent);
        each_line(x_shape, x, [&](std::size_t line, std::span<const std::size_t> positions) {
            for (std::size_t k = 0; k < positions.size(); ++k)
                all[to.start(line) + k * to.stride] = of_element(from, line, positions[k]);
        });
        return all;
    }
    /// Returns where in x's memory each element of the result lies.
    template <class T>
    std::vector<std::size_t> offsets(const Array<T>& x) const {
        return each(x.shape(), x.data(), [](const Lines& lines, std::size_t line, std::size_t position) {
            return lines.start(line) + position * lines.stride;
        });
    }
    /// Returns where along the axis each element of the result lies.
    template <class T>
    Indices indices(const Shape& x_shape, const T* x) const {
        const auto positions =
            each(x_shape, x, [](const Lines&, std::size_t, std::size_t position) { return position; });
        return Indices(positions).reshaped(shape(x_shape));
    }
};

using Offsets = std::shared_ptr<const std::vector<std::size_t>>;

/// Elements of a tensor as the offsets name them.
struct Pick {
    static constexpr std::string_view name = "pick";
    static constexpr Description description{
        .equation = "y = elements i of x",
        .rules = {{"x", "0, and to its elements i those of g are added"}},
        .kind = OperationKind::layout};
    Offsets offsets;
    Shape picked;

    Shape shape(const Shape&) const { return picked; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = x.data()[(*offsets)[i]];
    }
    auto rules() const;
};

/// The reverse: elements put back in zeros of shape `whole`. No offset comes twice.
struct PutBack {
    static constexpr std::string_view name = "put_back";
    static constexpr Description description{.equation = "y = 0, and to its elements i those of x are added",
                                             .rules = {{"x", "elements i of g"}},
                                             .kind = OperationKind::layout};
    Offsets offsets;
    Shape whole;

    Shape shape(const Shape&) const { return whole; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        std::fill_n(y.data(), y.size(), T(0));
        add(y.data(), x);
    }
    template <class T>
    void add(T* y, const Array<T>& x) const {
        for (std::size_t i = 0; i < x.size(); ++i) y[(*offsets)[i]] += x.data()[i];
    }
    auto rules() const {
        return std::tuple{[o = offsets](const auto& g, const auto&, const auto& x) {
            return apply(Pick{o, x.shape()}, g);
        }};
    }
};

auto Pick::rules() const {
    return std::tuple{[o = offsets](const auto& g, const auto&, const auto& x) {
        return apply_sparse(PutBack{o, x.shape()}, g);
    }};
}

template <class T>
const Array<T>& array_of(const Array<T>& x) {
    return x;
}
template <class T>
Array<T> array_of(const Var<T>& x) {
    return x.array();
}

/// The part that sort and top_k share. The order is found anew from x wherever it is needed, so that nothing
/// is kept that x may no longer agree with.
struct InOrder {
    Order order;

    Shape shape(const Shape& x) const { return order.shape(x); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const std::vector<std::size_t> offsets = order.offsets(x);
        for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = x.data()[offsets[i]];
    }
    auto rules() const {
        return std::tuple{[o = order](const auto& g, const auto&, const auto& x) {
            const auto offsets = std::make_shared<const std::vector<std::size_t>>(o.offsets(array_of(x)));
            return apply_sparse(PutBack{offsets, x.shape()}, g);
        }};
    }
};

struct Sort : InOrder {
    static constexpr std::string_view name = "sort";
    static constexpr Description description{
        .equation = "y = x, sorted", .rules = {{"x", "g, put back"}}, .kind = OperationKind::layout};
    std::string arguments() const {
        return fmt::format("axis {}{}", order.axis, order.descending ? ", descending" : "");
    }
};

struct TopK : InOrder {
    static constexpr std::string_view name = "top_k";
    static constexpr Description description{.equation = "y = the greatest elements of x",
                                             .rules = {{"x", "0, and to those elements g is added"}},
                                             .kind = OperationKind::layout};
    std::string arguments() const { return fmt::format("{} along axis {}", order.count, order.axis); }
};

template <class Def, class T>
Ordered<T> in_order(const Operand<T>& x, const Order& order) {
    const Var<T> values = apply(Def{{order}}, x);
    return {values, order.indices(x.shape(), x.data())};
}

template <class T>
Ordered<T> sorted(const Operand<T>& x, int axis, bool descending) {
    const std::size_t extent = checked(tape_of("sort", x), x.site(), [&] {
        return x.shape()[normalised_axis("sort", axis, x.shape().rank())];
    });
    return in_order<Sort>(x, {axis, descending, extent});
}

template <class T>
Ordered<T> greatest(const Operand<T>& x, std::ptrdiff_t k, int axis) {
    checked(tape_of("top_k", x), x.site(), [&] {
        const std::size_t extent = x.shape()[normalised_axis("top_k", axis, x.shape().rank())];
        if (k < 0 || static_cast<std::size_t>(k) > extent)
            throw std::invalid_argument(
                fmt::format("top_k: x is {}; k is {} and must be in 0 .. {}, axis {}'s extent",
                            x.shape().text(), k, extent, axis));
    });
    return in_order<TopK>(x, {axis, true, static_cast<std::size_t>(k)});
}

/// Returns whether b takes a's place as the one that is looked for.
template <class T>
bool is_better(T b, T a, bool greatest) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
    return greatest ? b > a : b < a;
}

template <class T>
Indices extreme(std::string_view name, const Operand<T>& x, int axis, bool keepdims, bool greatest) {
    const Shape& shape = x.shape();
    try {
        const std::size_t at = normalised_axis(name, axis, shape.rank());
        const Lines lines(shape, at);
        if (lines.extent == 0)
            throw std::invalid_argument(
                fmt::format("{}: over no elements, x is {} and axis {} is empty", name, shape.text(), axis));
        std::vector<std::size_t> best(lines.count(), 0);
        for (std::size_t line = 0; line < lines.count(); ++line) {
            const T* from = x.data() + lines.start(line);
            for (std::size_t i = 1; i < lines.extent; ++i)
                if (is_better(from[i * lines.stride], from[best[line] * lines.stride], greatest))
                    best[line] = i;
        }
        Shape result;
        for (std::size_t i = 0; i < shape.rank(); ++i)
            if (i != at)
                result.append(shape[i]);
            else if (keepdims)
                result.append(1);
        return Indices(best).reshaped(result);
    } catch (const std::invalid_argument& error) {
        const Tape<T>* const tape = x.tape();
        throw std::invalid_argument(
            with_site(error.what(), x.site(), tape == nullptr ? "" : tape->current_label_text()));
    }
}

}  // namespace

Ordered<float> sort(const Operand<float>& x, int axis, bool descending) {
    return sorted(x, axis, descending);
}
Ordered<double> sort(const Operand<double>& x, int axis, bool descending) {
    return sorted(x, axis, descending);
}
Ordered<float> top_k(const Operand<float>& x, std::ptrdiff_t k, int axis) { return greatest(x, k, axis); }
Ordered<double> top_k(const Operand<double>& x, std::ptrdiff_t k, int axis) { return greatest(x, k, axis); }
Indices argmax(const Operand<float>& x, int axis, bool keepdims) {
    return extreme("argmax", x, axis, keepdims, true);
}
Indices argmax(const Operand<double>& x, int axis, bool keepdims) {
    return extreme("argmax", x, axis, keepdims, true);
}
Indices argmin(const Operand<float>& x, int axis, bool keepdims) {
    return extreme("argmin", x, axis, keepdims, false);
}
Indices argmin(const Operand<double>& x, int axis, bool keepdims) {
    return extreme("argmin", x, axis, keepdims, false);
}

}  // namespace tapeloop
