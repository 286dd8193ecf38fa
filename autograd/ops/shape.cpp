#include <autograd/kernels/strided.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

#include <algorithm>

namespace tapeloop {

using namespace detail;

namespace {

[[noreturn]] void fail(std::string_view name, const Shape& x, const std::string& rule) {
    throw std::invalid_argument(fmt::format("{}: x is {}; {}", name, x.text(), rule));
}

OnnxValue onnx_slice(const OnnxValue& x, std::int64_t begin, std::int64_t end, int axis, std::int64_t step) {
    return onnx_node("Slice", {x, OnnxValue::integers({begin}), OnnxValue::integers({end}),
                               OnnxValue::integers({axis}), OnnxValue::integers({step})});
}

/// The operations that leave all elements where they are.
struct Regrouping {
    template <class T>
    static const T* alias(const Array<T>& x) {
        return x.data();
    }
    template <class T>
    static void value(const Buffer<T>& y, const Array<T>& x) {
        std::copy_n(x.data(), x.size(), y.data());
    }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& x) { return reshape(g, x.shape()); }};
    }
};

struct Reshape : Regrouping {
    static constexpr std::string_view name = "reshape";
    static constexpr Description description{.equation = "y = x in another shape",
                                             .rules = {{"x", "g in the shape of x"}},
                                             .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const {
        return onnx_node("Reshape", {x, OnnxValue::extents(target)}, {{"allowzero", 1}});
    }
    Shape target;

    Shape shape(const Shape& x) const {
        if (x.size() != target.size())
            fail(name, x,
                 fmt::format("{} has {} elements and must have {}", target.text(), target.size(), x.size()));
        return target;
    }
};

struct ExpandDims : Regrouping {
    static constexpr std::string_view name = "expand_dims";
    static constexpr Description description{.equation = "y = x in another shape",
                                             .rules = {{"x", "g in the shape of x"}},
                                             .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const {
        return onnx_node("Unsqueeze", {x, OnnxValue::integers({axis})});
    }
    int axis;

    Shape shape(const Shape& x) const { return with_new_axis(name, x, axis, 1); }
};

struct Squeeze : Regrouping {
    static constexpr std::string_view name = "squeeze";
    static constexpr Description description{.equation = "y = x in another shape",
                                             .rules = {{"x", "g in the shape of x"}},
                                             .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const {
        return onnx_node("Squeeze", {x, OnnxValue::integers({axis})});
    }
    int axis;

    Shape shape(const Shape& x) const {
        const std::size_t at = normalised_axis(name, axis, x.rank());
        if (x[at] != 1) fail(name, x, fmt::format("axis {} must have extent 1 and has {}", axis, x[at]));
        Shape result;
        for (std::size_t i = 0; i < x.rank(); ++i)
            if (i != at) result.append(x[i]);
        return result;
    }
};

/// The operations that read x through a view, `view(x's shape)`; in x's memory if that holds the elements in
/// order.
template <class Self>
struct Viewing {
    Shape shape(const Shape& x) const { return self().view(x).shape; }
    template <class T>
    const T* alias(const Array<T>& x) const {
        const View view = self().view(x.shape());
        return x.size() != 0 && view.is_contiguous() ? x.data() + view.offset : nullptr;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        transfer(self().view(x.shape()), x.data(), View::of(y.shape()), {y.data(), false});
    }
    template <class T>
    Array<T> of_array(const Array<T>& x) const {
        const T* const data = alias(x);
        return data != nullptr ? Array<T>(shape(x.shape()), data, x.memory()) : apply(self(), x);
    }

  private:
    const Self& self() const { return static_cast<const Self&>(*this); }
};

struct Transpose : Viewing<Transpose> {
    static constexpr std::string_view name = "transpose";
    std::size_t count = 0;  // 0 for the reversed order
    std::array<int, Shape::max_rank> permutation{};

    explicit Transpose(std::span<const int> axes) : count(axes.size()) {
        std::copy_n(axes.begin(), std::min(count, permutation.size()), permutation.begin());
    }
    const Description& description() const {
        static constexpr Description reversed{
            .equation = "y = xᵀ", .rules = {{"x", "gᵀ"}}, .kind = OperationKind::layout};
        static constexpr Description permuted{.equation = "y = x, axes permuted",
                                              .rules = {{"x", "g, axes permuted back"}},
                                              .kind = OperationKind::layout};
        return count == 0 ? reversed : permuted;
    }
    std::string arguments() const { return count == 0 ? "" : fmt::format("axes {}", order()); }
    OnnxValue onnx(const OnnxValue& x) const {
        std::vector<std::int64_t> axes;
        for (std::size_t i = 0; i < x.shape().rank(); ++i) {
            const std::size_t from = count == 0 ? x.shape().rank() - 1 - i
                                                : normalised_axis(name, permutation[i], x.shape().rank());
            axes.push_back(static_cast<std::int64_t>(from));
        }
        return onnx_node("Transpose", {x}, {{"perm", axes}});
    }

    View view(const Shape& x) const {
        std::array<std::size_t, Shape::max_rank> axes{};
        std::uint32_t named = 0;
        if (count != 0 && count != x.rank()) fail_permutation(x);
        for (std::size_t i = 0; i < x.rank(); ++i) {
            axes[i] = count == 0 ? x.rank() - 1 - i : normalised_axis(name, permutation[i], x.rank());
            named |= 1U << axes[i];
        }
        if (named != (1U << x.rank()) - 1U) fail_permutation(x);
        return View::of(x).permuted({axes.data(), x.rank()});
    }
    Transpose inverse(std::size_t rank) const {
        Transpose back({});
        if (count == 0) return back;
        back.count = rank;
        for (std::size_t i = 0; i < rank; ++i)
            back.permutation[normalised_axis(name, permutation[i], rank)] = static_cast<int>(i);
        return back;
    }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto& x) {
            return apply(inverse(x.shape().rank()), g);
        }};
    }

  private:
    [[noreturn]] void fail_permutation(const Shape& x) const {
        fail(name, x,
             fmt::format("the permutation [{}] must name each of its {} axes once", order(), x.rank()));
    }
    std::string order() const {
        const std::span<const int> named(permutation.data(), std::min(count, permutation.size()));
        return fmt::format("{}", fmt::join(named, ", "));
    }
};

struct Flip : Viewing<Flip> {
    static constexpr std::string_view name = "flip";
    static constexpr Description description{
        .equation = "y = x, reversed", .rules = {{"x", "g, reversed"}}, .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const {
        return onnx_slice(x, -1, std::numeric_limits<std::int64_t>::min(), axis, -1);
    }
    int axis;

    explicit Flip(int along) : axis(along) {}
    std::string arguments() const { return fmt::format("axis {}", axis); }
    View view(const Shape& x) const { return View::of(x).flipped(normalised_axis(name, axis, x.rank())); }
    auto rules() const {
        return std::tuple{[*this](const auto& g, const auto&, const auto&) { return apply(*this, g); }};
    }
};

struct BroadcastTo : Viewing<BroadcastTo> {
    static constexpr std::string_view name = "broadcast_to";
    static constexpr Description description{
        .equation = "y = x, repeated", .rules = {{"x", "g"}}, .kind = OperationKind::layout};
    OnnxValue onnx(const OnnxValue& x) const { return onnx_node("Expand", {x, OnnxValue::extents(target)}); }
    Shape target;

    explicit BroadcastTo(const Shape& shape) : target(shape) {}
    View view(const Shape& x) const {
        if (!broadcasts_to(x, target))
            fail(
                name, x,
                fmt::format("aligned at the last axis of {}, its extents must be equal or 1", target.text()));
        return View::of(x).broadcast_to(target);
    }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return g; }};
    }
};

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
            fail(name, x,
                 fmt::format(
                     "along axis {} of extent {} it cannot give {} to {}; begin must not be above end, nor "
                     "end above the extent (negative ones count from it)",
                     axis, extent, begin, end));
        if (step == 0) fail(name, x, "step is 0 and must be at least 1");
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
    if (x.rank() == 0) fail("columns", x, "it must have an axis");
    if (k >= n) fail("columns", x, fmt::format("there is no part {} of {}; parts count from 0", k, n));
    if (x.back() % n != 0)
        fail("columns", x, fmt::format("its last axis ({}) must divide into {} equal parts", x.back(), n));
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
            fail(name, x, fmt::format("it needs {{before, after}} for each axis, and {} are given", count));
        Shape result;
        for (std::size_t i = 0; i < x.rank(); ++i) {
            // Each alone first: their sum may come out right though a negative number has wrapped.
            const auto [before, after] = widths[i];
            if (before > Shape::max_size || after > Shape::max_size)
                fail(name, x,
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

constexpr Description of_detach{.equation = "y = x, its history forgotten", .kind = OperationKind::detached};

/// A value whose history is forgotten: it has no inputs.
template <class T>
class Detached final : public Operation<T> {
  public:
    std::string_view name() const override { return "detach"; }
    const Description& description() const override { return of_detach; }
    void repeat(Steps<T>& steps, NodeIndex node) const override {
        Tape<T>& tape = steps.tape();
        tape.replace_value(node, tape.node(*tape.detached_from(node)).data);
    }
    void pull(Sweep<T>&, NodeIndex) const override {}
    void pull(GraphSweep<T>&, NodeIndex) const override {}
};

template <class T>
Var<T> detached(const Operand<T>& x) {
    static const Detached<T> operation;
    Tape<T>& tape = tape_of("detach", x);
    detail::Rollback rollback(tape);
    const NodeIndex source = x.enter(tape);
    const Array<T> value = tape.array(source);
    const NodeIndex index = tape.append(operation, {}, value.shape(), value.data(), x.site());
    tape.note_detached(index, source);
    return rollback.keep(tape.var(index));
}

}  // namespace

Var<float> reshape(const Operand<float>& x, const Shape& shape) { return apply(Reshape{{}, shape}, x); }
Var<double> reshape(const Operand<double>& x, const Shape& shape) { return apply(Reshape{{}, shape}, x); }
Var<float> expand_dims(const Operand<float>& x, int axis) { return apply(ExpandDims{{}, axis}, x); }
Var<double> expand_dims(const Operand<double>& x, int axis) { return apply(ExpandDims{{}, axis}, x); }
Var<float> squeeze(const Operand<float>& x, int axis) { return apply(Squeeze{{}, axis}, x); }
Var<double> squeeze(const Operand<double>& x, int axis) { return apply(Squeeze{{}, axis}, x); }
Var<float> transpose(const Operand<float>& x, const std::vector<int>& permutation) {
    return apply(Transpose(permutation), x);
}
Var<double> transpose(const Operand<double>& x, const std::vector<int>& permutation) {
    return apply(Transpose(permutation), x);
}
Var<float> flip(const Operand<float>& x, int axis) { return apply(Flip(axis), x); }
Var<double> flip(const Operand<double>& x, int axis) { return apply(Flip(axis), x); }
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
Var<float> broadcast_to(const Operand<float>& x, const Shape& shape) { return apply(BroadcastTo(shape), x); }
Var<double> broadcast_to(const Operand<double>& x, const Shape& shape) {
    return apply(BroadcastTo(shape), x);
}
Var<float> detach(const Operand<float>& x) { return detached(x); }
Var<double> detach(const Operand<double>& x) { return detached(x); }

template <class T>
Array<T> reshape(const Array<T>& x, const Shape& shape) {
    return x.reshaped(Reshape{{}, shape}.shape(x.shape()));
}
template <class T>
Array<T> expand_dims(const Array<T>& x, int axis) {
    return x.reshaped(ExpandDims{{}, axis}.shape(x.shape()));
}
template <class T>
Array<T> squeeze(const Array<T>& x, int axis) {
    return x.reshaped(Squeeze{{}, axis}.shape(x.shape()));
}
template <class T>
Array<T> transpose(const Array<T>& x, const std::vector<int>& permutation) {
    return Transpose(permutation).of_array(x);
}
template <class T>
Array<T> flip(const Array<T>& x, int axis) {
    return Flip(axis).of_array(x);
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
template <class T>
Array<T> broadcast_to(const Array<T>& x, const Shape& shape) {
    return BroadcastTo(shape).of_array(x);
}

template Array<float> reshape(const Array<float>&, const Shape&);
template Array<double> reshape(const Array<double>&, const Shape&);
template Array<float> expand_dims(const Array<float>&, int);
template Array<double> expand_dims(const Array<double>&, int);
template Array<float> squeeze(const Array<float>&, int);
template Array<double> squeeze(const Array<double>&, int);
template Array<float> transpose(const Array<float>&, const std::vector<int>&);
template Array<double> transpose(const Array<double>&, const std::vector<int>&);
template Array<float> flip(const Array<float>&, int);
template Array<double> flip(const Array<double>&, int);
template Array<float> slice(const Array<float>&, int, std::ptrdiff_t, std::ptrdiff_t, std::size_t);
template Array<double> slice(const Array<double>&, int, std::ptrdiff_t, std::ptrdiff_t, std::size_t);
template Array<float> columns(const Array<float>&, std::size_t, std::size_t);
template Array<double> columns(const Array<double>&, std::size_t, std::size_t);
template Array<float> pad(const Array<float>&, const std::vector<Padding>&);
template Array<double> pad(const Array<double>&, const std::vector<Padding>&);
template Array<float> broadcast_to(const Array<float>&, const Shape&);
template Array<double> broadcast_to(const Array<double>&, const Shape&);

}  // namespace tapeloop
