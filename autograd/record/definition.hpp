#pragma once

#include <autograd/kernels/indices.hpp>
#include <autograd/record/defined_operations.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/record/rules.hpp>
#include <autograd/record/steps.hpp>
#include <autograd/sweep/graph_sweep.hpp>
#include <autograd/sweep/pass_target.hpp>

#include <fmt/format.h>

#include <stdexcept>

/// This file makes an operation of a definition. A definition is a small struct that has all there is to know
/// of one operation:
///
///     struct Flip {
///         static constexpr std::string_view name = "flip";
///         static constexpr Description description{.equation = "y = x, reversed", ...};
///         std::size_t axis;
///         Shape shape(const Shape& x) const;                    // checks, throws, and gives y's shape
///         void value(const auto& y, const auto& x) const;       // computes into y, a Buffer
///         auto rules() const {                                  // one per argument
///             return std::tuple{
///                 [*this](const auto& g, const auto& y, const auto& x) { return flip(g, axis); }};
///         }
///     };
///
/// It may have besides, where that is faster, `pull(sweep, node, inputs)`, which runs all its rules over
/// arrays at once, and `repeat(steps, y, x...)`, which adds other steps than one that calls `value`.
///
/// `apply(Flip{1}, x)` computes it for arrays, and records it for operands. Elementwise definitions
/// (elementary.hpp) have a `value` of lanes and no `shape`: `apply_elementwise`. If they have members, their
/// `check()` may refuse those.
namespace tapeloop::detail {

/// The shape of a definition's value.
template <class Def, class... Shapes>
Shape shape_of_value(const Def& def, const Shapes&... shapes) {
    return in_name_of(Def::name, std::array<Shape, sizeof...(Shapes)>{shapes...},
                      [&] { return def.shape(shapes...); });
}

/// The value of a definition, at once.
template <class Def, class T, class... More>
Array<T> apply(const Def& def, const Array<T>& x, const More&... more) {
    Buffer<T> y(shape_of_value(def, x.shape(), more.shape()...));
    def.value(y, x, more...);
    return y;
}

/// The value of a definition that is zero in most places, not computed yet: a sweep adds the rest to what is
/// there.
template <class T, class Def>
struct Sparse {
    Def def;
    Array<T> x;

    Shape shape() const { return def.shape(x.shape()); }
    Array<T> array() const { return apply(def, x); }
    void add_to(T* target) const { def.add(target, x); }
};

/// Applies a definition as `apply` does, for rules, but put off if it is a matter of arrays. The definition's
/// `add(target, x)` adds to elements of its shape.
template <class Def, class T>
Sparse<T, Def> apply_sparse(const Def& def, const Array<T>& x) {
    return {def, x};
}

/// The tape that an operation with these operands belongs to. Throws when they are on different ones.
template <class T>
Tape<T>& tape_of(std::string_view name, std::span<const Operand<T>* const> operands);
template <class T, class... More>
Tape<T>& tape_of(std::string_view name, const Operand<T>& first, const More&... more) {
    const std::array<const Operand<T>*, 1 + sizeof...(More)> operands{&first, &more...};
    return tape_of(name, std::span<const Operand<T>* const>(operands));
}

extern template Tape<float>& tape_of(std::string_view, std::span<const Operand<float>* const>);
extern template Tape<double>& tape_of(std::string_view, std::span<const Operand<double>* const>);

/// Runs checks, and gives their errors the source line and the label path.
template <class T, class Check>
auto checked(Tape<T>& tape, const CallSite& site, Check&& check) {
    try {
        return check();
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(with_site(error.what(), site, tape.current_label_text()));
    }
}

template <class T, class Def, std::size_t N>
class Defined;

/// The operation object of a definition: one for all nodes if it has no members, else the tape keeps it.
template <std::size_t N, class T, class Def>
const Operation<T>& operation_of(Tape<T>& tape, const Def& def) {
    if constexpr (std::is_empty_v<Def>) {
        static const Defined<T, Def, N> operation(def);
        return operation;
    } else {
        return tape.keep(Defined<T, Def, N>(def));
    }
}

/// Records a definition.
template <class Def, class T, class... More>
Var<T> apply(const Def& def, const Operand<T>& x, const More&... more) {
    Tape<T>& tape = tape_of(Def::name, x, more...);
    const Shape shape =
        checked(tape, x.site(), [&] { return shape_of_value(def, x.shape(), more.shape()...); });
    constexpr std::size_t count = 1 + sizeof...(More);
    Rollback rollback(tape);
    const std::array<NodeIndex, count> inputs{x.enter(tape), more.enter(tape)...};
    const auto array = [&](std::size_t k) { return tape.array(inputs[k]); };
    const T* data = nullptr;  // where the value lies already, if it does
    if constexpr (requires { def.alias(array(0)); }) data = def.alias(array(0));
    if (data == nullptr) {
        const Buffer<T> y(shape, tape.allocate(shape.size()));
        data = y.data();
        with_indices<count>([&](auto... k) {
            if constexpr (requires { def.value(y, tape, array(k)...); })
                def.value(y, tape, array(k)...);
            else
                def.value(y, array(k)...);
        });
    }
    return rollback.keep(
        tape.var(tape.append(operation_of<count>(tape, def), inputs, shape, data, x.site())));
}

// For rules, which have Vars.
template <class Def, class T>
Var<T> apply(const Def& def, const Var<T>& x) {
    return apply(def, Operand<T>(x));
}
template <class Def, class T>
Var<T> apply_sparse(const Def& def, const Var<T>& x) {
    return apply(def, Operand<T>(x));
}

/// Records an elementwise operation of `operands`, which broadcast: `kernel` computes its value, and
/// `operation(tape, def)` gives its object.
template <class T>
Var<T> record_elementwise(std::string_view name, std::span<const Operand<T>* const> operands,
                          Kernel<T> kernel, const void* function,
                          const Operation<T>& (*operation)(Tape<T>&, const void*), const void* def);

template <class Def, class T, class... More>
Var<T> apply_elementwise(const Def& def, const Operand<T>& x, const More&... more) {
    constexpr std::size_t count = 1 + sizeof...(More);
    const std::array<const Operand<T>*, count> operands{&x, &more...};
    if constexpr (requires { def.check(); })
        checked(tape_of(Def::name, x, more...), x.site(), [&] { def.check(); });
    const auto value = on_lanes<T, count>(def);
    const auto operation = [](Tape<T>& tape, const void* definition) -> const Operation<T>& {
        return operation_of<count>(tape, *static_cast<const Def*>(definition));
    };
    return record_elementwise<T>(Def::name, operands, kernel_of<T, count, 1>(value), &value, operation, &def);
}

/// Adds the steps of an elementwise operation: one pass. `function` must live as long as the tape.
template <class T>
void repeat_elementwise(Steps<T>& steps, NodeIndex node, Kernel<T> kernel, const void* function);

/// Runs the rule of one argument of an elementwise operation as a pass over g, y and the inputs.
template <class T>
void pull_pass(Sweep<T>& sweep, NodeIndex node, std::span<const NodeIndex> inputs, NodeIndex input,
               Kernel<T> kernel, const void* function);

extern template Var<float> record_elementwise(std::string_view, std::span<const Operand<float>* const>,
                                              Kernel<float>, const void*,
                                              const Operation<float>& (*)(Tape<float>&, const void*),
                                              const void*);
extern template Var<double> record_elementwise(std::string_view, std::span<const Operand<double>* const>,
                                               Kernel<double>, const void*,
                                               const Operation<double>& (*)(Tape<double>&, const void*),
                                               const void*);
extern template void repeat_elementwise(Steps<float>&, NodeIndex, Kernel<float>, const void*);
extern template void repeat_elementwise(Steps<double>&, NodeIndex, Kernel<double>, const void*);
extern template void pull_pass(Sweep<float>&, NodeIndex, std::span<const NodeIndex>, NodeIndex, Kernel<float>,
                               const void*);
extern template void pull_pass(Sweep<double>&, NodeIndex, std::span<const NodeIndex>, NodeIndex,
                               Kernel<double>, const void*);

template <class T>
Array<T> value_for(Sweep<T>& sweep, NodeIndex node) {
    return sweep.tape().array(node);
}
template <class T>
Var<T> value_for(GraphSweep<T>& sweep, NodeIndex node) {
    return sweep.tape().var(node);
}

/// Runs the rules of a node, one for each input, and delivers what they give: arrays in the first-order
/// sweep, `Var`s in the recorded one.
template <class SweepType, std::size_t N, class Rules>
void run_rules(SweepType& sweep, NodeIndex node, const std::array<NodeIndex, N>& inputs, const Rules& rules) {
    constexpr std::size_t rule_count = std::tuple_size_v<Rules>;
    const auto g = sweep.cotangent(node);
    const auto y = value_for(sweep, node);
    using Value = decltype(value_for(sweep, node));
    const auto run = [&](const auto& rule, NodeIndex input, const auto&... x) {
        if constexpr (!std::is_invocable_v<decltype(rule), const Value&, const Value&, decltype(x)...>) {
            throw std::logic_error(fmt::format(
                "gradient: a rule of {} takes no {}; write it generically, with const auto& arguments",
                sweep.tape().describe(node),
                std::same_as<SweepType, Sweep<typename Value::value_type>> ? "Array" : "Var"));
        } else {
            // With a single argument g is not read again, so it may be passed on as it is.
            if constexpr (rule_count == 1)
                sweep.hand_over(node, input, rule(g, y, x...));
            else
                sweep.deliver(node, input, rule(g, y, x...));
        }
    };
    const auto run_wanted = [&](const auto& rule, NodeIndex input) {
        if (sweep.wants(input))
            with_indices<N>([&](auto... k) { run(rule, input, value_for(sweep, inputs[k])...); });
    };
    with_indices<rule_count>([&](auto... r) { (run_wanted(std::get<r>(rules), inputs[r]), ...); });
}

/// The operation that a definition with `N` arguments makes: its rules, run over arrays or recorded.
template <class T, class Def, std::size_t N>
class Defined final : public Operation<T> {
  public:
    explicit Defined(const Def& def) : def_(def) {
        if constexpr (HasConstantName<Def>) static_cast<void>(DefinitionEntry<Def>::is_entered);
    }

    std::string_view name() const override { return def_.name; }
    const Description& description() const override { return description_of(def_); }
    std::string arguments() const override {
        if constexpr (requires { def_.arguments(); })
            return def_.arguments();
        else
            return {};
    }
    OnnxValue onnx(std::span<const OnnxValue> inputs, std::size_t) const override {
        return onnx_of(def_, inputs, std::make_index_sequence<N>());
    }

    void repeat(Steps<T>& steps, NodeIndex node) const override {
        Tape<T>& tape = steps.tape();
        if constexpr (is_elementwise_definition) {
            const auto& value = tape.keep(on_lanes<T, N>(def_));
            repeat_elementwise<T>(steps, node, kernel_of<T, N, 1>(value), &value);
        } else {
            const auto inputs = inputs_of(tape, node);
            if (const T* const there = alias_of(tape.array(inputs[0])); there != nullptr)
                return tape.replace_value(node, there);
            with_indices<N>(
                [&](auto... k) { add_value(steps, steps.place(node), tape.array(inputs[k])...); });
        }
    }

    void pull(Sweep<T>& sweep, NodeIndex node) const override {
        const auto inputs = inputs_of(sweep.tape(), node);
        if constexpr (requires { def_.pull(sweep, node, inputs); })
            return def_.pull(sweep, node, inputs);
        else if constexpr (is_elementwise_definition)
            pull_lanes(sweep, node, inputs);
        else
            run_rules(sweep, node, inputs, rules_of(def_));
        // A rule of the user's may do one thing for some values and another for others.
        if constexpr (!requires { def_.function; }) sweep.steps_suffice();
    }
    void pull(GraphSweep<T>& sweep, NodeIndex node) const override {
        run_rules(sweep, node, inputs_of(sweep.tape(), node), rules_of(def_));
    }

  private:
    static constexpr bool is_elementwise_definition = !requires { &Def::shape; };
    using Rules = std::remove_cvref_t<decltype(rules_of(std::declval<const Def&>()))>;
    using Inputs = std::array<NodeIndex, N>;
    static constexpr std::size_t rule_count = std::tuple_size_v<Rules>;

    // A copy: recording moves the tape's vectors.
    static Inputs inputs_of(const Tape<T>& tape, NodeIndex node) {
        Inputs inputs;
        std::copy_n(tape.inputs(node).begin(), N, inputs.begin());
        return inputs;
    }

    /// Returns where the value lies without being computed, if it does.
    const T* alias_of(const Array<T>& x) const {
        if constexpr (requires { def_.alias(x); })
            return def_.alias(x);
        else
            return nullptr;
    }
    template <class... X>
    void add_value(Steps<T>& steps, const Buffer<T>& y, const X&... x) const {
        if constexpr (requires { def_.repeat(steps, y, x...); }) return def_.repeat(steps, y, x...);
        steps.add([this, &tape = steps.tape(), y, x...] {
            if constexpr (requires { def_.value(y, tape, x...); })
                def_.value(y, tape, x...);
            else
                def_.value(y, x...);
        });
    }

    void pull_lanes(Sweep<T>& sweep, NodeIndex node, const Inputs& inputs) const {
        const Rules rules = rules_of(def_);
        with_indices<rule_count>(
            [&](auto... r) { (pull_lane(sweep, node, inputs, inputs[r], std::get<r>(rules)), ...); });
    }

    /// One rule in one fused pass.
    template <class Rule>
    void pull_lane(Sweep<T>& sweep, NodeIndex node, const Inputs& inputs, NodeIndex input,
                   const Rule& rule) const {
        if (!sweep.wants(input)) return;
        const auto contribution = [rule](const std::array<Lanes<T>, N + 2>& in,
                                         std::array<Lanes<T>, 1>& out) {
            const Lanes<T> g = in[0];
            const Lanes<T> product = std::apply([&](const auto&... x) { return rule(x...); }, in);
            // A zero cotangent stays zero, whatever the slope.
            out[0] = where(equal(g, 0), 0, product);
        };
        pull_pass<T>(sweep, node, inputs, input, kernel_of<T, N + 2, 1>(contribution),
                     &sweep.kept(contribution));
    }

    Def def_;
};

}  // namespace tapeloop::detail
