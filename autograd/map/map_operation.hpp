#pragma once

#include <autograd/kernels/reduction.hpp>
#include <autograd/map/dual.hpp>
#include <autograd/map/map_streams.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop::detail {

/// The sum over each of the equal parts of the last axis: [.., n H] -> [.., n].
template <class T>
Array<T> sum_parts(const Array<T>& packed, std::size_t parts) {
    const Shape result = packed.shape().with(packed.shape().rank() - 1, parts);
    const Shape rows{result.size(), packed.shape().back() / parts};
    Array<T> sums(result);
    sum_into(packed.reshaped(rows), {result.size(), 1}, {sums.data(), false});
    return sums;
}

/// The same value as a node of its own.
Var<float> identity(const Operand<float>& x);
Var<double> identity(const Operand<double>& x);

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
    using Sources = std::array<Array<T>, Streams::arguments>;
    using Parts = std::array<Shape, Streams::arguments>;

    explicit MapOperation(const F& function) : function_(function) {}

    std::string_view name() const override { return "map"; }

    void forward(const Shape& shape, const Parts& parts, const Sources& sources,
                 const std::array<T*, Out>& results) const {
        std::array<Layout, In + Out> layouts;
        std::array<const T*, In> data;
        lay_out_streams(sources, parts, layouts, data);
        std::array<Target<T>, Out> targets;
        for (std::size_t r = 0; r < Out; ++r) {
            layouts[In + r].shape = &shape;
            targets[r] = {results[r], false};
        }
        run_pass<T, In, Out>(shape, layouts, data, targets,
                             [this](const Values& in, std::array<Lanes<T>, Out>& out) {
                                 const auto values = call_on_lanes(function_, in);
                                 [&]<std::size_t... R>(std::index_sequence<R...>) {
                                     ((out[R] = Lanes<T>(std::get<R>(values))), ...);
                                 }
                                 (std::make_index_sequence<Out>());
                             });
    }

    /// The shape of each argument, or of one part of it if it is packed.
    static Shape part_of(const Shape& whole, std::size_t argument) {
        const std::size_t parts = Streams::part_counts[argument];
        return parts == 0 ? whole : part_shape(whole, parts);
    }

    void pull(Sweep<T>& sweep, Index node) const override;
    void pull(GraphSweep<T>& sweep, Index node) const override;

    /// The same function as recorded operations.
    std::array<Var<T>, Out> replay(Tape<T>& tape, std::span<const Index> inputs) const {
        const auto results = as_tuple(Streams::call(function_, [&](auto k) {
            constexpr std::size_t a = argument_of(k);
            const Var<T> whole = tape.var(inputs[a]);
            if constexpr (Streams::part_counts[a] == 0)
                return whole;
            else
                return columns(whole, k - Streams::first_stream(a), Streams::part_counts[a]);
        }));
        return std::apply(
            [&](const auto&... result) { return std::array<Var<T>, Out>{as_var(tape, result)...}; }, results);
    }

  private:
    static constexpr std::size_t argument_of(std::size_t stream) {
        std::size_t a = 0;
        while (a + 1 < Streams::arguments && Streams::first_stream(a + 1) <= stream) ++a;
        return a;
    }
    template <class X>
    static Var<T> as_var(Tape<T>& tape, const X& x) {
        if constexpr (std::is_arithmetic_v<X>)
            return tape.var(Operand<T>(x).enter(tape));
        else
            return x;
    }

    /// Where each stream starts and how far apart its rows lie.
    template <std::size_t N>
    static void lay_out_streams(const Sources& sources, const Parts& parts, std::array<Layout, N>& layouts,
                                std::array<const T*, In>& data) {
        for (std::size_t k = 0; k < In; ++k) {
            const std::size_t a = argument_of(k);
            layouts[k] = {&parts[a], row_stride(sources[a].shape(), a)};
            data[k] = sources[a].data() + stream_offset(sources[a].shape(), k);
        }
    }
    static std::size_t row_stride(const Shape& whole, std::size_t argument) {
        return Streams::part_counts[argument] == 0 ? 0 : whole.back();
    }
    static std::size_t stream_offset(const Shape& shape, std::size_t stream) {
        const std::size_t a = argument_of(stream);
        if (Streams::part_counts[a] == 0) return 0;
        return (stream - Streams::first_stream(a)) * (shape.back() / Streams::part_counts[a]);
    }

    F function_;
};

template <class T, class F, class Streams>
void MapOperation<T, F, Streams>::pull(Sweep<T>& sweep, Index node) const {
    const Tape<T>& tape = sweep.tape();
    // A copy: the user's function may record, which moves the tape's vectors.
    std::array<Index, Streams::arguments> inputs;
    std::copy_n(tape.inputs(node).begin(), inputs.size(), inputs.begin());
    const Index first_result = tape.node(node).results == 0 ? node : node + 1;
    const Shape shape = tape.node(first_result).shape;

    std::array<Layout, In + Out + In> layouts;
    std::array<const T*, In + Out> data;
    Sources sources;
    Parts parts;
    for (std::size_t a = 0; a < Streams::arguments; ++a) {
        sources[a] = tape.array(inputs[a]);
        parts[a] = part_of(sources[a].shape(), a);
    }
    std::array<const T*, In> streams;
    lay_out_streams(sources, parts, layouts, streams);
    std::copy(streams.begin(), streams.end(), data.begin());

    static constexpr T nothing = 0;  // stands for the cotangent of a result that nobody used
    static const Shape scalar;
    for (std::size_t r = 0; r < Out; ++r) {
        const Index result = first_result + static_cast<Index>(r);
        layouts[In + r].shape = sweep.has(result) ? &shape : &scalar;
        data[In + r] = sweep.has(result) ? sweep.cotangent(result).data() : &nothing;
    }

    // Each argument's cotangent is written in place where its elements correspond; else on the side, and
    // summed.
    std::array<Target<T>, Streams::arguments> wholes;
    Parts target_parts = parts;
    Parts target_shapes;
    std::array<Array<T>, Streams::arguments> aside;
    for (std::size_t a = 0; a < Streams::arguments; ++a) {
        target_shapes[a] = sources[a].shape();
        if (!sweep.wants(inputs[a])) continue;
        const bool is_first = std::find(inputs.begin(), inputs.end(), inputs[a]) - inputs.begin() ==
                              static_cast<std::ptrdiff_t>(a);
        if (parts[a] == shape && is_first) {
            wholes[a] = sweep.target(inputs[a]);
        } else if (parts[a] != shape && repeats_along_rows(parts[a], shape)) {
            wholes[a] = sweep.accumulator(inputs[a]);
        } else {
            const std::size_t count = std::max<std::size_t>(Streams::part_counts[a], 1);
            target_parts[a] = shape;
            target_shapes[a] = count == 1 ? shape : shape.with(shape.rank() - 1, shape.back() * count);
            aside[a] = Array<T>(target_shapes[a]);
            wholes[a] = {aside[a].data(), false};
        }
    }
    std::array<Target<T>, In> targets;
    for (std::size_t k = 0; k < In; ++k) {
        const std::size_t a = argument_of(k);
        layouts[In + Out + k] = {&target_parts[a], row_stride(target_shapes[a], a)};
        if (wholes[a].data != nullptr)
            targets[k] = {wholes[a].data + stream_offset(target_shapes[a], k), wholes[a].add};
    }

    run_pass<T, In + Out, In>(
        shape, layouts, data, targets,
        [this](const std::array<Lanes<T>, In + Out>& in, std::array<Lanes<T>, In>& out) {
            const auto results = as_tuple(Streams::call(function_, [&](auto k) {
                return Dual<Lanes<T>, (Inputs(1) << k())>{in[k], {Lanes<T>(1)}};
            }));
            const auto slope = [&]<std::size_t k>(const auto& result, std::integral_constant<std::size_t, k>,
                                                  const Lanes<T>& g, Lanes<T>& total) {
                if constexpr (is_dual<std::remove_cvref_t<decltype(result)>>)
                    if constexpr (std::remove_cvref_t<decltype(result)>::template depends_on<k>)
                        total = total + where(equal(g, 0), 0, g * result.template slope<k>());
            };
            const auto contribution = [&]<std::size_t k>(std::integral_constant<std::size_t, k> input) {
                Lanes<T> total(0);
                [&]<std::size_t... R>(std::index_sequence<R...>) {
                    (slope(std::get<R>(results), input, in[In + R], total), ...);
                }
                (std::make_index_sequence<Out>());
                out[k] = total;
            };
            [&]<std::size_t... K>(std::index_sequence<K...>) {
                (contribution(std::integral_constant<std::size_t, K>()), ...);
            }
            (std::make_index_sequence<In>());
        });

    for (std::size_t a = 0; a < Streams::arguments; ++a) {
        if (aside[a].data() == nullptr) continue;
        const bool has_wide_parts =
            Streams::part_counts[a] != 0 && sources[a].shape().back() == Streams::part_counts[a];
        sweep.deliver(node, inputs[a],
                      has_wide_parts ? sum_parts(aside[a], Streams::part_counts[a]) : aside[a]);
    }
}

/// Replays the function as recorded operations and sweeps over those.
template <class T, class F, class Streams>
void MapOperation<T, F, Streams>::pull(GraphSweep<T>& sweep, Index node) const {
    Tape<T>& tape = sweep.tape();
    const std::vector<Index> inputs(tape.inputs(node).begin(), tape.inputs(node).end());
    const Index first_result = tape.node(node).results == 0 ? node : node + 1;

    // The replay starts from nodes of its own, so that what one argument owes to another is left out here.
    std::vector<Index> starts;
    for (Index input : inputs) starts.push_back(identity(tape.var(input)).index());
    const std::array<Var<T>, Out> replayed = replay(tape, starts);
    std::vector<std::pair<Index, Var<T>>> roots;
    for (std::size_t r = 0; r < Out; ++r) {
        const Index result = first_result + static_cast<Index>(r);
        if (sweep.has(result))
            roots.emplace_back(broadcast_to(replayed[r], tape.node(result).shape).index(),
                               sweep.cotangent(result));
    }
    const auto last = static_cast<Index>(tape.size() - 1);
    GraphSweep<T> inner(tape, Reach<T>(tape, starts.front(), last, starts));
    for (const auto& [root, cotangent] : roots)
        if (inner.wants(root)) inner.deliver(node, root, cotangent);
    inner.run();
    for (std::size_t a = 0; a < inputs.size(); ++a)
        if (sweep.wants(inputs[a]) && inner.has(starts[a]))
            sweep.deliver(node, inputs[a], inner.cotangent(starts[a]));
}

}  // namespace tapeloop::detail
