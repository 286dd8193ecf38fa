#include <autograd/ops/viewing.hpp>

#include <algorithm>

namespace tapeloop {

using namespace detail;

namespace {

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
            refuse(
                name, x,
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
        if (x[at] != 1) refuse(name, x, fmt::format("axis {} must have extent 1 and has {}", axis, x[at]));
        Shape result;
        for (std::size_t i = 0; i < x.rank(); ++i)
            if (i != at) result.append(x[i]);
        return result;
    }
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
        refuse(name, x,
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
            refuse(
                name, x,
                fmt::format("aligned at the last axis of {}, its extents must be equal or 1", target.text()));
        return View::of(x).broadcast_to(target);
    }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return g; }};
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
template Array<float> broadcast_to(const Array<float>&, const Shape&);
template Array<double> broadcast_to(const Array<double>&, const Shape&);

}  // namespace tapeloop
