#include <autograd/kernels/strided.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

#include <algorithm>

namespace tapeloop {

using namespace detail;

namespace {

struct Concatenate {
    static constexpr std::string_view name = "concatenate";
    static constexpr Description description{.equation = "y = (x₁, x₂, …), joined",
                                             .rules = {{"xᵢ", "that part of g"}},
                                             .kind = OperationKind::join,
                                             .letter = "z"};
    int axis;

    /// Returns the shape of the whole, and which of its axes the parts lie along.
    std::pair<Shape, std::size_t> join(std::span<const Shape> parts) const {
        const Shape& first = parts[0];
        const std::size_t at = normalised_axis(name, axis, first.rank());
        std::size_t extent = 0;
        for (std::size_t k = 0; k < parts.size(); ++k) {
            if (parts[k].rank() != first.rank() || parts[k].with(at, first[at]) != first)
                throw std::invalid_argument(fmt::format(
                    "{}: part 0 is {} and part {} is {}; all extents but that of axis {} must be equal", name,
                    first.text(), k, parts[k].text(), axis));
            extent += parts[k][at];
        }
        return {in_name_of(name, parts, [&] { return first.with(at, extent); }), at};
    }
};

struct Stack {
    static constexpr std::string_view name = "stack";
    static constexpr Description description{.equation = "y = (x₁, x₂, …), stacked",
                                             .rules = {{"xᵢ", "that part of g"}},
                                             .kind = OperationKind::join};
    int axis;

    std::pair<Shape, std::size_t> join(std::span<const Shape> parts) const {
        const Shape& first = parts[0];
        for (std::size_t k = 1; k < parts.size(); ++k)
            if (parts[k] != first)
                throw std::invalid_argument(
                    fmt::format("{}: part 0 is {} and part {} is {}; all must have one shape", name,
                                first.text(), k, parts[k].text()));
        const Shape whole = with_new_axis(name, first, axis, parts.size());
        return {whole, normalised_axis(name, axis, whole.rank())};
    }
};

/// The parts that lie one behind the other along an axis of the result; those of a stack lack that axis.
template <class T, class Def>
class Joined final : public Operation<T> {
  public:
    explicit Joined(std::size_t axis) : axis_(axis) {
        static_cast<void>(detail::DefinitionEntry<Def>::is_entered);
    }

    std::string_view name() const override { return Def::name; }
    const Description& description() const override { return detail::constant_description<Def>; }
    std::string arguments() const override { return fmt::format("axis {}", axis_); }
    OnnxValue onnx(std::span<const OnnxValue> inputs, std::size_t) const override {
        std::vector<OnnxValue> parts(inputs.begin(), inputs.end());
        if constexpr (std::is_same_v<Def, Stack>)
            for (OnnxValue& part : parts)
                part =
                    onnx_node("Unsqueeze", {part, OnnxValue::integers({static_cast<std::int64_t>(axis_)})});
        return onnx_node("Concat", std::move(parts), {{"axis", static_cast<int>(axis_)}});
    }

    /// Visits each part's place in the whole: calls `f(input, shape, begin, extent)`.
    template <class F>
    void each_part(const Tape<T>& tape, std::span<const NodeIndex> inputs, const Shape& whole, F&& f) const {
        std::size_t begin = 0;
        for (const NodeIndex input : inputs) {
            const Shape part = tape.node(input).shape;
            const std::size_t extent = part.rank() == whole.rank() ? part[axis_] : 1;
            f(input, part, begin, extent);
            begin += extent;
        }
    }

    void value(const Tape<T>& tape, std::span<const NodeIndex> inputs, const Buffer<T>& y) const {
        each_part(tape, inputs, y.shape(),
                  [&](NodeIndex input, const Shape&, std::size_t begin, std::size_t extent) {
                      const View part = View::of(y.shape()).sliced(axis_, begin, extent);
                      transfer(View::of(part.shape), tape.node(input).data, part, {y.data(), false});
                  });
    }

    void repeat(Steps<T>& steps, NodeIndex node) const override {
        Tape<T>& tape = steps.tape();
        const Buffer<T> y = steps.place(node);
        each_part(tape, tape.inputs(node), y.shape(),
                  [&](NodeIndex input, const Shape& shape, std::size_t begin, std::size_t extent) {
                      const View part = View::of(y.shape()).sliced(axis_, begin, extent);
                      const T* const from = tape.node(input).data;
                      if (part.is_contiguous())
                          steps.copy(from, y.data() + part.offset, shape.size());
                      else
                          steps.add([from, part, y] {
                              transfer(View::of(part.shape), from, part, {y.data(), false});
                          });
                  });
    }

    void pull(Sweep<T>& sweep, NodeIndex node) const override {
        const Tape<T>& tape = sweep.tape();
        const Array<T> g = sweep.cotangent(node);
        sweep.steps_suffice();
        each_part(tape, tape.inputs(node), g.shape(),
                  [&](NodeIndex input, const Shape& shape, std::size_t begin, std::size_t extent) {
                      if (!sweep.wants(input)) return;
                      const View part = View::of(g.shape()).sliced(axis_, begin, extent);
                      if (part.is_contiguous())
                          sweep.hand_over(node, input, Array<T>(shape, g.data() + part.offset, g.memory()));
                      else
                          sweep.transfer(part, g.data(), input);
                  });
    }
    void pull(GraphSweep<T>& sweep, NodeIndex node) const override {
        const Tape<T>& tape = sweep.tape();
        const Var<T> g = sweep.cotangent(node);
        // Copies: recording moves the tape's vectors.
        const std::vector<NodeIndex> inputs(tape.inputs(node).begin(), tape.inputs(node).end());
        const Shape whole = g.shape();
        each_part(tape, inputs, whole,
                  [&](NodeIndex input, const Shape& shape, std::size_t begin, std::size_t extent) {
                      if (!sweep.wants(input)) return;
                      const Var<T> part =
                          slice(g, static_cast<int>(axis_), static_cast<std::ptrdiff_t>(begin),
                                static_cast<std::ptrdiff_t>(begin + extent));
                      sweep.deliver(node, input, part.shape() == shape ? part : reshape(part, shape));
                  });
    }

  private:
    std::size_t axis_;
};

/// The tape of all parts. Throws when they are on different ones.
template <class T>
Tape<T>& tape_of_parts(std::string_view name, const Operands<T>& parts) {
    if (parts.vars().empty())
        throw std::invalid_argument(
            with_site(fmt::format("{}: no parts; it needs at least one", name), parts.site(), ""));
    const Operand<T> first(parts.vars()[0], parts.site());
    for (const Var<T>& part : parts.vars()) tape_of(name, first, Operand<T>(part, parts.site()));
    return *first.tape();
}

template <class Def, class T>
Var<T> join(const Def& def, const Operands<T>& parts) {
    Tape<T>& tape = tape_of_parts(Def::name, parts);
    std::vector<NodeIndex> inputs;
    std::vector<Shape> shapes;
    for (const Var<T>& part : parts.vars()) {
        inputs.push_back(part.index());
        shapes.push_back(part.shape());
    }
    const auto [shape, axis] = checked(tape, parts.site(), [&] { return def.join(shapes); });
    detail::Rollback rollback(tape);
    const auto& operation = tape.keep(Joined<T, Def>(axis));
    const Buffer<T> y(shape, tape.allocate(shape.size()));
    operation.value(tape, inputs, y);
    return rollback.keep(tape.var(tape.append(operation, inputs, shape, y.data(), parts.site())));
}

struct Unstack {
    static constexpr std::string_view name = "unstack";
    static constexpr Description description{.equation = "(y₁, y₂, …) = x, its parts",
                                             .rules = {{"x", "(g₁, g₂, …), stacked"}},
                                             .kind = OperationKind::split};
};

/// Hands out the cotangents of what lies along x's first axis as parts of one buffer, which becomes x's.
template <class T>
class Unstacked final : public Operation<T> {
  public:
    Unstacked() { static_cast<void>(detail::DefinitionEntry<Unstack>::is_entered); }

    std::string_view name() const override { return Unstack::name; }
    const Description& description() const override { return Unstack::description; }
    OnnxValue onnx(std::span<const OnnxValue> inputs, std::size_t result) const override {
        const OnnxValue place = OnnxValue::integers({static_cast<std::int64_t>(result)}, {});
        return onnx_node("Gather", {inputs[0], place}, {{"axis", 0}});
    }

    T* place(Sweep<T>& sweep, NodeIndex node, NodeIndex result) const override {
        return sweep.target(node).data + result * part_size(sweep.tape(), node);
    }

    void repeat(Steps<T>& steps, NodeIndex node) const override {
        Tape<T>& tape = steps.tape();
        const T* const whole = tape.node(tape.inputs(node)[0]).data;
        for (NodeIndex k = 0; k < tape.node(node).results; ++k)
            tape.replace_value(node + 1 + k, whole + k * part_size(tape, node));
    }

    void pull(Sweep<T>& sweep, NodeIndex node) const override {
        const std::size_t size = part_size(sweep.tape(), node);
        sweep.steps_suffice();
        // There is none yet if all results were asked for and lie elsewhere.
        T* const whole = sweep.target(node).data;
        const Array<T> g = sweep.cotangent(node);
        for (NodeIndex k = 0; k < g.shape()[0]; ++k) {
            T* const part = whole + k * size;
            if (const NodeIndex result = node + 1 + k; !sweep.has(result))
                sweep.fill_with_zeros(part, size);
            else if (const T* elsewhere = sweep.cotangent(result).data(); elsewhere != part)
                sweep.copy(elsewhere, part, size);
        }
        sweep.hand_over(node, sweep.tape().inputs(node)[0], g);
    }

    void pull(GraphSweep<T>& sweep, NodeIndex node) const override {
        Tape<T>& tape = sweep.tape();
        const NodeIndex x = tape.inputs(node)[0];
        const NodeIndex results = tape.node(node).results;
        const Shape part = tape.node(node + 1).shape;
        std::optional<Var<T>> zeros;
        std::vector<Var<T>> parts;
        for (NodeIndex k = 0; k < results; ++k) {
            if (!sweep.has(node + 1 + k) && !zeros.has_value()) zeros = constant_zeros(tape, part);
            parts.push_back(sweep.has(node + 1 + k) ? sweep.cotangent(node + 1 + k) : *zeros);
        }
        sweep.deliver(node, x, stack(parts, 0));
    }

  private:
    static std::size_t part_size(const Tape<T>& tape, NodeIndex node) {
        return tape.node(node + 1).shape.size();
    }
    static Var<T> constant_zeros(Tape<T>& tape, const Shape& shape) {
        const Array<T> zeros = Array<T>::filled(shape, T(0));
        return tape.var(tape.constant(shape, zeros.data(), CallSite::current()));
    }
};

template <class T>
std::vector<Var<T>> unstacked(const Operand<T>& x) {
    static const Unstacked<T> operation;
    Tape<T>& tape = tape_of("unstack", x);
    checked(tape, x.site(), [&] {
        if (x.shape().rank() == 0) throw std::invalid_argument("unstack: x is []; it must have an axis");
    });
    detail::Rollback rollback(tape);
    const NodeIndex whole = x.enter(tape);
    const Array<T> value = tape.array(whole);
    Shape part;
    for (std::size_t i = 1; i < value.shape().rank(); ++i) part.append(value.shape()[i]);
    std::vector<Array<T>> results;
    for (std::size_t k = 0; k < value.shape()[0]; ++k)
        results.emplace_back(part, value.data() + k * part.size());
    const NodeIndex first = tape.append_results(operation, {&whole, 1}, value.shape(), results, x.site());
    std::vector<Var<T>> vars;
    for (NodeIndex k = 0; k < results.size(); ++k) vars.push_back(tape.var(first + k));
    rollback.keep();
    return vars;
}

template <class T>
std::vector<Var<T>> split_at(Tape<T>& tape, const Operand<T>& x, std::span<const std::size_t> extents,
                             int axis) {
    const Var<T> whole = tape.var(x.enter(tape));
    std::vector<Var<T>> vars;
    std::ptrdiff_t begin = 0;
    for (const std::size_t extent : extents) {
        const std::ptrdiff_t end = begin + static_cast<std::ptrdiff_t>(extent);
        vars.push_back(slice(Operand<T>(whole, x.site()), axis, begin, end));
        begin = end;
    }
    return vars;
}

template <class T>
std::vector<Var<T>> split_evenly(const Operand<T>& x, std::size_t parts, int axis) {
    Tape<T>& tape = tape_of("split", x);
    const std::size_t extent = checked(tape, x.site(), [&] {
        const std::size_t at = normalised_axis("split", axis, x.shape().rank());
        if (parts == 0 || parts > Shape::max_size || x.shape()[at] % parts != 0)
            throw std::invalid_argument(
                fmt::format("split: x is {}; axis {} ({}) must divide into {} equal parts", x.shape().text(),
                            axis, x.shape()[at], static_cast<std::ptrdiff_t>(parts)));
        return x.shape()[at] / parts;
    });
    return split_at(tape, x, std::vector<std::size_t>(parts, extent), axis);
}

template <class T>
std::vector<Var<T>> split_unevenly(const Operand<T>& x, std::span<const std::size_t> extents, int axis) {
    Tape<T>& tape = tape_of("split", x);
    checked(tape, x.site(), [&] {
        const std::size_t whole = x.shape()[normalised_axis("split", axis, x.shape().rank())];
        std::size_t rest = whole;
        // Taken off one by one: their sum could wrap around.
        const bool fits = std::all_of(extents.begin(), extents.end(), [&rest](std::size_t extent) {
            return extent <= rest && ((rest -= extent), true);
        });
        if (!fits || rest != 0)
            throw std::invalid_argument(
                fmt::format("split: x is {}; the parts' extents [{}] must add up to that of axis {} ({})",
                            x.shape().text(), fmt::join(extents, ", "), axis, whole));
    });
    return split_at(tape, x, extents, axis);
}

}  // namespace

Var<float> concatenate(const Operands<float>& parts, int axis) { return join(Concatenate{axis}, parts); }
Var<double> concatenate(const Operands<double>& parts, int axis) { return join(Concatenate{axis}, parts); }
Var<float> stack(const Operands<float>& parts, int axis) { return join(Stack{axis}, parts); }
Var<double> stack(const Operands<double>& parts, int axis) { return join(Stack{axis}, parts); }
std::vector<Var<float>> split(const Operand<float>& x, std::size_t parts, int axis) {
    return split_evenly(x, parts, axis);
}
std::vector<Var<double>> split(const Operand<double>& x, std::size_t parts, int axis) {
    return split_evenly(x, parts, axis);
}
std::vector<Var<float>> split(const Operand<float>& x, std::initializer_list<std::size_t> extents, int axis) {
    return split_unevenly(x, {extents.begin(), extents.size()}, axis);
}
std::vector<Var<double>> split(const Operand<double>& x, std::initializer_list<std::size_t> extents,
                               int axis) {
    return split_unevenly(x, {extents.begin(), extents.size()}, axis);
}
std::vector<Var<float>> split(const Operand<float>& x, const std::vector<std::size_t>& extents, int axis) {
    return split_unevenly(x, std::span(extents), axis);
}
std::vector<Var<double>> split(const Operand<double>& x, const std::vector<std::size_t>& extents, int axis) {
    return split_unevenly(x, std::span(extents), axis);
}
std::vector<Var<float>> unstack(const Operand<float>& x) { return unstacked(x); }
std::vector<Var<double>> unstack(const Operand<double>& x) { return unstacked(x); }

}  // namespace tapeloop
