#include <autograd/ops/viewing.hpp>

#include <algorithm>
#include <array>

namespace tapeloop {

using namespace detail;

namespace {

struct Slice : Viewing<Slice> {
    static constexpr std::string_view name = "slice";
    static constexpr Description description{.equation = "y = part of x",
                                             .rules = {{"x", "g in that part, 0 elsewhere"}},
                                             .kind = OperationKind::slice};
    OnnxValue onnx(const OnnxValue& x) const {
        const auto extent =
            static_cast<std::ptrdiff_t>(x.shape()[normalised_axis(name, axis, x.shape().rank())]);
        return onnx_slice(x, begin < 0 ? begin + extent : begin, end < 0 ? end + extent : end, axis,
                          static_cast<std::int64_t>(step));
    }
    int axis;
    std::ptrdiff_t begin;
    std::ptrdiff_t end;
    std::size_t step;

    Slice(int along, std::ptrdiff_t from, std::ptrdiff_t to, std::size_t by)
        : axis(along), begin(from), end(to), step(by) {}
    std::string arguments() const {
        return fmt::format("axis {}, {} to {}{}", axis, begin, end,
                           step == 1 ? "" : fmt::format(" by {}", step));
    }

    View view(const Shape& x) const {
        const std::size_t at = normalised_axis(name, axis, x.rank());
        const auto extent = static_cast<std::ptrdiff_t>(x[at]);
        const std::ptrdiff_t first = begin < 0 ? begin + extent : begin;
        const std::ptrdiff_t behind = end < 0 ? end + extent : end;
        if (first < 0 || first > behind || behind > extent)
            refuse(name, x,
                   fmt::format(
                       "along axis {} of extent {} it cannot give {} to {}; begin must not be above end, nor "
                       "end above the extent (negative ones count from it)",
                       axis, extent, begin, end));
        if (step == 0) refuse(name, x, "step is 0 and must be at least 1");
        const auto width = static_cast<std::size_t>(behind - first);
        const std::size_t count = width == 0 ? 0 : (width - 1) / step + 1;
        return View::of(x).sliced(at, static_cast<std::size_t>(first), count, step);
    }
    auto rules() const;
};

/// The reverse of a slice: zeros of shape `whole` with x where the slice would read.
struct Place {
    static constexpr std::string_view name = "place";
    static constexpr Description description{.equation = "y = x in its part, 0 elsewhere",
                                             .rules = {{"x", "that part of g"}},
                                             .kind = OperationKind::layout};
    Slice where;
    Shape whole;

    std::string arguments() const { return where.arguments(); }
    Shape shape(const Shape&) const { return whole; }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        std::fill_n(y.data(), y.size(), T(0));
        transfer(View::of(x.shape()), x.data(), where.view(whole), {y.data(), false});
    }
    template <class T>
    void add(T* y, const Array<T>& x) const {
        transfer(View::of(x.shape()), x.data(), where.view(whole), {y, true});
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto&) {
            return slice(g, where.axis, where.begin, where.end, where.step);
        }};
    }
};

auto Slice::rules() const {
    return std::tuple{[*this](const auto& g, const auto&, const auto& x) {
        return apply_sparse(Place{*this, x.shape()}, g);
    }};
}

/// The slice that is the k-th of n parts of the last axis.
Slice part_of_columns(const Shape& x, std::size_t k, std::size_t n) {
    if (x.rank() == 0) refuse("columns", x, "it must have an axis");
    if (k >= n) refuse("columns", x, fmt::format("there is no part {} of {}; parts count from 0", k, n));
    if (x.back() % n != 0)
        refuse("columns", x, fmt::format("its last axis ({}) must divide into {} equal parts", x.back(), n));
    const auto width = static_cast<std::ptrdiff_t>(x.back() / n);
    const auto begin = static_cast<std::ptrdiff_t>(k) * width;
    return Slice(-1, begin, begin + width, 1);
}

template <class T>
Var<T> columns_of(const Operand<T>& x, std::size_t k, std::size_t n) {
    Tape<T>& tape = tape_of("columns", x);
    return apply(checked(tape, x.site(), [&] { return part_of_columns(x.shape(), k, n); }), x);
}

struct Pad {
    static constexpr std::string_view name = "pad";
    static constexpr Description description{.equation = "y = x, with 0 around it",
                                             .rules = {{"x", "g without what is around it"}},
                                             .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const {
        std::vector<std::int64_t> around(2 * count);
        for (std::size_t i = 0; i < count; ++i) {
            around[i] = static_cast<std::int64_t>(widths[i].before);
            around[count + i] = static_cast<std::int64_t>(widths[i].after);
        }
        return onnx_node("Pad", {x, OnnxValue::integers(around)});
    }
    std::size_t count = 0;
    std::array<Padding, Shape::max_rank> widths{};

    explicit Pad(const std::vector<Padding>& around) : count(around.size()) {
        std::copy_n(around.begin(), std::min(count, widths.size()), widths.begin());
    }

    Shape shape(const Shape& x) const {
        if (count != x.rank())
            refuse(name, x, fmt::format("it needs {{before, after}} for each axis, and {} are given", count));
        Shape result;
        for (std::size_t i = 0; i < x.rank(); ++i) {
            // Each alone first: their sum may come out right though a negative number has wrapped.
            const auto [before, after] = widths[i];
            if (before > Shape::max_size || after > Shape::max_size)
                refuse(name, x,
                       fmt::format("the widths of axis {} are {{{}, {}}} and must not be negative", i,
                                   static_cast<std::ptrdiff_t>(before), static_cast<std::ptrdiff_t>(after)));
            result.append(before + x[i] + after);
        }
        return result;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        View inside = View::of(y.shape());
        for (std::size_t i = 0; i < count; ++i) inside = inside.sliced(i, widths[i].before, x.shape()[i]);
        std::fill_n(y.data(), y.size(), T(0));
        transfer(View::of(x.shape()), x.data(), inside, {y.data(), false});
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto& x) {
            auto inside = g;
            for (std::size_t i = 0; i < count; ++i)
                if (const auto [before, after] = widths[i]; before + after != 0) {
                    const auto begin = static_cast<std::ptrdiff_t>(before);
                    const auto extent = static_cast<std::ptrdiff_t>(x.shape()[i]);
                    inside = slice(inside, static_cast<int>(i), begin, begin + extent);
                }
            return inside;
        }};
    }
};

}  // namespace

Var<float> slice(const Operand<float>& x, int axis, std::ptrdiff_t begin, std::ptrdiff_t end,
                 std::size_t step) {
    return apply(Slice(axis, begin, end, step), x);
}
Var<double> slice(const Operand<double>& x, int axis, std::ptrdiff_t begin, std::ptrdiff_t end,
                  std::size_t step) {
    return apply(Slice(axis, begin, end, step), x);
}
Var<float> columns(const Operand<float>& x, std::size_t k, std::size_t n) { return columns_of(x, k, n); }
Var<double> columns(const Operand<double>& x, std::size_t k, std::size_t n) { return columns_of(x, k, n); }
Var<float> pad(const Operand<float>& x, const std::vector<Padding>& widths) { return apply(Pad(widths), x); }
Var<double> pad(const Operand<double>& x, const std::vector<Padding>& widths) {
    return apply(Pad(widths), x);
}

template <class T>
Array<T> slice(const Array<T>& x, int axis, std::ptrdiff_t begin, std::ptrdiff_t end, std::size_t step) {
    return Slice(axis, begin, end, step).of_array(x);
}
template <class T>
Array<T> columns(const Array<T>& x, std::size_t k, std::size_t n) {
    return part_of_columns(x.shape(), k, n).of_array(x);
}
template <class T>
Array<T> pad(const Array<T>& x, const std::vector<Padding>& widths) {
    return apply(Pad(widths), x);
}

template Array<float> slice(const Array<float>&, int, std::ptrdiff_t, std::ptrdiff_t, std::size_t);
template Array<double> slice(const Array<double>&, int, std::ptrdiff_t, std::ptrdiff_t, std::size_t);
template Array<float> columns(const Array<float>&, std::size_t, std::size_t);
template Array<double> columns(const Array<double>&, std::size_t, std::size_t);
template Array<float> pad(const Array<float>&, const std::vector<Padding>&);
template Array<double> pad(const Array<double>&, const std::vector<Padding>&);

}  // namespace tapeloop
