#pragma once

#include <autograd/kernels/indices.hpp>
#include <autograd/map/dual.hpp>
#include <autograd/map/map_streams.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop::detail {

/// Records the same value as a node of its own.
Var<float> identity(const Operand<float>& x);
Var<double> identity(const Operand<double>& x);

/// The part of a map that is compiled for its function; the rest serves all of them.
template <class T>
struct MapFunction {
    MapTable table;
    Kernel<T> kernel;      ///< of the pass that computes the results
    const void* function;  ///< what the kernel is called with
    const void* definition;
    /// The operation object of the definition.
    const Operation<T>& (*operation)(Tape<T>& tape, const void* definition);
    /// Records the function operation by operation, from the nodes of its arguments.
    void (*replay)(const void* definition, Tape<T>& tape, std::span<const NodeIndex> inputs, Var<T>* results);
};

/// Computes and records a map of `operands`; writes its results to `results`.
template <class T>
void record_map(const MapFunction<T>& map, std::span<const Operand<T>* const> operands, const CallSite& site,
                Var<T>* results);
/// Adds the pass of a map; `function` must live as long as the tape.
template <class T>
void repeat_map(const MapTable& table, Steps<T>& steps, NodeIndex node, Kernel<T> kernel,
                const void* function);
/// Runs the derivative of a map, whose kernel reads its streams and its results' cotangents, and writes the
/// cotangents of its streams.
template <class T>
void pull_map(const MapTable& table, Sweep<T>& sweep, NodeIndex node, Kernel<T> kernel, const void* function);
/// Replays the function as recorded operations and sweeps over those.
template <class T>
void pull_replayed(const MapFunction<T>& map, GraphSweep<T>& sweep, NodeIndex node);

inline constexpr Description description_of_map{.equation = "y = f(x₁, x₂, …)",
                                                .rules = {{"xᵢ", "g ⊙ ∂y/∂xᵢ, summed over the results"}},
                                                .kind = OperationKind::fused,
                                                .is_elementwise = true,
                                                .is_gate = true,
                                                .letter = "h"};

/// An elementwise function of the user's as an operation: forward on lanes, backward on duals of lanes,
/// recorded on `Var`s.
template <class T, class F, class Streams>
class MapOperation final : public Operation<T> {
    static constexpr std::size_t In = Streams::streams;
    using Values = std::array<Lanes<T>, In>;
    static auto call_on_lanes(const F& f, const Values& in) {
        return as_tuple(Streams::call(f, [&](auto k) { return in[k]; }));
    }

  public:
    static constexpr std::size_t Out =
        std::tuple_size_v<decltype(call_on_lanes(std::declval<const F&>(), std::declval<const Values&>()))>;

    explicit MapOperation(const F& function) : function_(function) {}

    std::string_view name() const override { return "map"; }
    const Description& description() const override { return description_of_map; }

    void record(std::span<const Operand<T>* const> operands, const CallSite& site, Var<T>* results) const {
        const auto value = as_pass();
        MapFunction<T> map = as_function();
        map.kernel = kernel_of<T, In, Out>(value);
        map.function = &value;
        record_map(map, operands, site, results);
    }

    void repeat(Steps<T>& steps, NodeIndex node) const override {
        const auto& value = steps.tape().keep(as_pass());
        repeat_map<T>(Streams::table(Out), steps, node, kernel_of<T, In, Out>(value), &value);
    }

    void pull(Sweep<T>& sweep, NodeIndex node) const override {
        const auto slopes = [this](const std::array<Lanes<T>, In + Out>& in, std::array<Lanes<T>, In>& out) {
            const auto results = as_tuple(Streams::call(function_, [&](auto k) {
                return Dual<Lanes<T>, (Inputs(1) << k())>{in[k], {Lanes<T>(1)}};
            }));
            with_indices<In>([&](auto... k) { ((out[k] = contribution<k>(results, in)), ...); });
        };
        pull_map<T>(Streams::table(Out), sweep, node, kernel_of<T, In + Out, In>(slopes),
                    &sweep.kept(slopes));
    }
    void pull(GraphSweep<T>& sweep, NodeIndex node) const override {
        pull_replayed(as_function(), sweep, node);
    }

  private:
    /// The function as the body of a pass; it refers to the operation.
    auto as_pass() const {
        return [this](const Values& in, std::array<Lanes<T>, Out>& out) {
            const auto values = call_on_lanes(function_, in);
            with_indices<Out>([&](auto... r) { ((out[r] = Lanes<T>(std::get<r>(values))), ...); });
        };
    }
    /// The cotangent of stream `k`: the sum over the results of cotangent times slope.
    template <std::size_t k, class Results>
    static Lanes<T> contribution(const Results& results, const std::array<Lanes<T>, In + Out>& in) {
        Lanes<T> total(0);
        const auto add = [&](const auto& result, const Lanes<T>& g) {
            using Result = std::remove_cvref_t<decltype(result)>;
            if constexpr (is_dual<Result>)
                if constexpr (Result::template depends_on<k>)
                    total = total + where(equal(g, 0), 0, g * result.template slope<k>());
        };
        with_indices<Out>([&](auto... r) { (add(std::get<r>(results), in[In + r]), ...); });
        return total;
    }

    MapFunction<T> as_function() const {
        MapFunction<T> map{};
        map.table = Streams::table(Out);
        map.definition = this;
        map.operation = [](Tape<T>& tape, const void* definition) -> const Operation<T>& {
            return tape.keep(*static_cast<const MapOperation*>(definition));
        };
        map.replay = [](const void* definition, Tape<T>& tape, std::span<const NodeIndex> inputs,
                        Var<T>* results) {
            static_cast<const MapOperation*>(definition)->replay(tape, inputs, results);
        };
        return map;
    }

    void replay(Tape<T>& tape, std::span<const NodeIndex> inputs, Var<T>* results) const {
        const auto values = as_tuple(Streams::call(function_, [&](auto k) {
            constexpr StreamPlace place = Streams::places[k];
            constexpr std::size_t parts = Streams::part_counts[place.argument];
            const Var<T> whole = tape.var(inputs[place.argument]);
            if constexpr (parts == 0)
                return whole;
            else
                return columns(whole, place.part, parts);
        }));
        with_indices<Out>([&](auto... r) { ((results[r] = as_var(tape, std::get<r>(values))), ...); });
    }
    template <class X>
    static Var<T> as_var(Tape<T>& tape, const X& x) {
        if constexpr (std::is_arithmetic_v<X>)
            return tape.var(Operand<T>(x).enter(tape));
        else
            return x;
    }

    F function_;
};

extern template void record_map(const MapFunction<float>&, std::span<const Operand<float>* const>,
                                const CallSite&, Var<float>*);
extern template void record_map(const MapFunction<double>&, std::span<const Operand<double>* const>,
                                const CallSite&, Var<double>*);
extern template void repeat_map(const MapTable&, Steps<float>&, NodeIndex, Kernel<float>, const void*);
extern template void repeat_map(const MapTable&, Steps<double>&, NodeIndex, Kernel<double>, const void*);
extern template void pull_map(const MapTable&, Sweep<float>&, NodeIndex, Kernel<float>, const void*);
extern template void pull_map(const MapTable&, Sweep<double>&, NodeIndex, Kernel<double>, const void*);
extern template void pull_replayed(const MapFunction<float>&, GraphSweep<float>&, NodeIndex);
extern template void pull_replayed(const MapFunction<double>&, GraphSweep<double>&, NodeIndex);

}  // namespace tapeloop::detail
