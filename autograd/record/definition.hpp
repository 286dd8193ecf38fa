#pragma once

#include <autograd/record/attempt.hpp>
#include <autograd/sweep/sweep.hpp>

#include <fmt/format.h>

#include <stdexcept>

/// From a definition to an operation. A definition is a small struct that has all there is to know of one
/// operation:
///
///     struct Flip {
///         static constexpr std::string_view name = "flip";
///         std::size_t axis;
///         Shape shape(const Shape& x) const;                    // checks, throws, and gives y's shape
///         void value(const auto& y, const auto& x) const;       // computes into y
///         auto rules() const {                                  // one per argument
///             return std::tuple{
///                 [*this](const auto& g, const auto& y, const auto& x) { return flip(g, axis); }};
///         }
///     };
///
/// `apply(Flip{1}, x)` computes it for arrays, and records it for operands. Elementwise definitions
/// (elementary.hpp) have a `value` of lanes and no `shape`: `apply_elementwise`.
namespace tapeloop {

/// The shape of a definition's value.
template <class Def, class... Shapes>
Shape shape_of_value(const Def& def, const Shapes&... shapes) {
    return in_name_of(Def::name, std::array<Shape, sizeof...(Shapes)>{shapes...},
                      [&] { return def.shape(shapes...); });
}

/// The value of a definition, at once.
template <class Def, class T, class... More>
Array<T> apply(const Def& def, const Array<T>& x, const More&... more) {
    Array<T> y(shape_of_value(def, x.shape(), more.shape()...));
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

/// For rules: as `apply`, but put off if it is a matter of arrays. The definition's `add(target, x)` adds to
/// elements of its shape.
template <class Def, class T>
Sparse<T, Def> apply_sparse(const Def& def, const Array<T>& x) {
    return {def, x};
}

/// The tape that an operation with these operands belongs to. Throws when they are on different ones.
template <class T, class... More>
Tape<T>& tape_of(std::string_view name, const Operand<T>& first, const More&... more) {
    Tape<T>* tape = nullptr;
    const auto look = [&](const Operand<T>& operand) {
        Tape<T>* own = operand.tape();
        if (own == nullptr || own == tape) return;
        if (tape != nullptr)
            throw std::logic_error(with_site(
                fmt::format("{}: its arguments are on different tapes; pass one's value() as a constant",
                            name),
                operand.site(), ""));
        tape = own;
    };
    look(first);
    (look(more), ...);
    return tape != nullptr ? *tape : Tape<T>::current();
}

/// Runs checks, and gives their errors the source line and the label path.
template <class T, class Check>
auto checked(Tape<T>& tape, const Site& site, Check&& check) {
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
    detail::Attempt attempt(tape);
    const std::array<Index, count> inputs{x.enter(tape), more.enter(tape)...};
    const auto array = [&](std::size_t k) { return tape.array(inputs[k]); };
    T* data = nullptr;
    if constexpr (requires { def.alias(array(0)); }) data = def.alias(array(0));
    if (data == nullptr) data = tape.allocate(shape.size());
    const Array<T> y(shape, data);
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        if constexpr (requires { def.value(y, tape, array(K)...); })
            def.value(y, tape, array(K)...);
        else
            def.value(y, array(K)...);
    }
    (std::make_index_sequence<count>());
    return attempt.keep(tape.var(tape.append(operation_of<count>(tape, def), inputs, shape, data, x.site())));
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

template <class Def, class T, class... More>
Var<T> apply_elementwise(const Def& def, const Operand<T>& x, const More&... more) {
    constexpr std::size_t count = 1 + sizeof...(More);
    Tape<T>& tape = tape_of(Def::name, x, more...);
    Shape shape = x.shape();
    if (((more.shape() != shape) || ...))
        checked(tape, x.site(), [&] { ((shape = broadcast(Def::name, shape, more.shape())), ...); });
    detail::Attempt attempt(tape);
    const std::array<Index, count> inputs{x.enter(tape), more.enter(tape)...};
    T* data = tape.allocate(shape.size());
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        run_function<T, count>(def, shape, {tape.array(inputs[K])...}, {data, false});
    }
    (std::make_index_sequence<count>());
    return attempt.keep(tape.var(tape.append(operation_of<count>(tape, def), inputs, shape, data, x.site())));
}

/// The operation that a definition with `N` arguments makes: its rules, run over arrays or recorded.
template <class T, class Def, std::size_t N>
class Defined final : public Operation<T> {
  public:
    explicit Defined(const Def& def) : def_(def) {}

    std::string_view name() const override { return Def::name; }
    std::string arguments() const override {
        if constexpr (requires { def_.arguments(); })
            return def_.arguments();
        else
            return {};
    }

    void pull(Sweep<T>& sweep, Index node) const override {
        const auto inputs = inputs_of(sweep.tape(), node);
        if constexpr (is_elementwise_definition)
            pull_lanes(sweep, node, inputs, std::make_index_sequence<rule_count>());
        else
            pull_rules<Array<T>>(
                sweep, node, inputs, [&](Index i) { return sweep.tape().array(i); },
                std::make_index_sequence<rule_count>());
    }
    void pull(GraphSweep<T>& sweep, Index node) const override {
        pull_rules<Var<T>>(
            sweep, node, inputs_of(sweep.tape(), node), [&](Index i) { return sweep.tape().var(i); },
            std::make_index_sequence<rule_count>());
    }

  private:
    static constexpr bool is_elementwise_definition = !requires { &Def::shape; };
    using Rules = decltype(std::declval<const Def&>().rules());
    using Inputs = std::array<Index, N>;
    static constexpr std::size_t rule_count = std::tuple_size_v<Rules>;

    // A copy: recording moves the tape's vectors.
    static Inputs inputs_of(const Tape<T>& tape, Index node) {
        Inputs inputs;
        std::copy_n(tape.inputs(node).begin(), N, inputs.begin());
        return inputs;
    }

    template <class V, class SweepType, class Get, std::size_t... R>
    void pull_rules([[maybe_unused]] SweepType& sweep, [[maybe_unused]] Index node, const Inputs& inputs,
                    const Get& get, std::index_sequence<R...>) const {
        const V g = sweep.cotangent(node);
        const V y = get(node);
        [[maybe_unused]] const Rules rules = def_.rules();
        [[maybe_unused]] const auto pull_one = [&](const auto& rule, Index input) {
            if (!sweep.wants(input)) return;
            [&]<std::size_t... K>(std::index_sequence<K...>) {
                deliver(sweep, node, input, rule(g, y, get(inputs[K])...));
            }
            (std::make_index_sequence<N>());
        };
        (pull_one(std::get<R>(rules), inputs[R]), ...);
    }

    template <class SweepType, class Part>
    static void deliver(SweepType& sweep, Index node, Index input, const Part& part) {
        // With a single argument g is not read again, so it may be passed on as it is.
        if constexpr (rule_count == 1 && std::same_as<Part, Array<T>>)
            sweep.hand_over(node, input, part);
        else
            sweep.deliver(node, input, part);
    }

    template <std::size_t... R>
    void pull_lanes([[maybe_unused]] Sweep<T>& sweep, [[maybe_unused]] Index node, const Inputs& inputs,
                    std::index_sequence<R...>) const {
        [[maybe_unused]] const Rules rules = def_.rules();
        (pull_lane(sweep, node, inputs, inputs[R], std::get<R>(rules)), ...);
    }

    /// One rule in one fused pass, written or added where the argument's cotangent lies.
    template <class Rule>
    void pull_lane(Sweep<T>& sweep, Index node, const Inputs& inputs, Index input, const Rule& rule) const {
        if (!sweep.wants(input)) return;
        const Tape<T>& tape = sweep.tape();
        const Shape& shape = tape.node(node).shape;
        const Shape& input_shape = tape.node(input).shape;
        std::array<Layout, N + 3> layouts;
        std::array<const T*, N + 2> data;
        const auto read = [&](std::size_t k, const Shape& own, const T* from) {
            layouts[k].shape = &own;
            data[k] = from;
        };
        read(0, shape, sweep.cotangent(node).data());
        read(1, shape, tape.node(node).data);
        for (std::size_t k = 0; k < N; ++k)
            read(k + 2, tape.node(inputs[k]).shape, tape.node(inputs[k]).data);

        const auto run = [&](const Shape& target_shape, const Target<T>& target) {
            layouts[N + 2].shape = &target_shape;
            run_pass<T, N + 2, 1>(
                shape, layouts, data, {target},
                [&rule](const std::array<Lanes<T>, N + 2>& in, std::array<Lanes<T>, 1>& out) {
                    const Lanes<T> g = in[0];
                    const Lanes<T> contribution =
                        std::apply([&](const auto&... x) { return rule(x...); }, in);
                    // A zero cotangent stays zero, whatever the slope.
                    out[0] = where(equal(g, 0), 0, contribution);
                });
        };
        if (input_shape == shape) {
            run(shape, sweep.target(input));
        } else if (repeats_along_rows(input_shape, shape)) {
            run(input_shape, sweep.accumulator(input));
        } else {
            const Array<T> whole(shape);
            run(shape, {whole.data(), false});
            sweep.deliver(node, input, whole);
        }
    }

    Def def_;
};

}  // namespace tapeloop
