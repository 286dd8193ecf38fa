#pragma once

#include <nn/files/onnx/onnx_trace.hpp>
#include <nn/wrappers/attention_cell.hpp>

#include <stdexcept>

/// An `AttentionCell` as a `Scan` whose source is an input of the model's.
namespace tapeloop::nn::detail {

template <class L>
inline constexpr bool is_attention = false;
template <class C, class A>
inline constexpr bool is_attention<AttentionCell<C, A>> = true;

/// The one step, recorded. The source is prepared outside of the loop, and its body sees it there.
template <class T, class C, class A>
OnnxValue append_attention(OnnxBuilder& builder, const AttentionCell<C, A>& cell, const OnnxValue& x,
                           bool reverse) {
    using Attending = AttentionCell<C, A>;
    Tape<T> tape({.fuse = false});
    const Evaluation nothing_is_drawn;
    OnnxScan<T> scan(builder, tape, x, reverse);
    const PreparedOf<Attending> prepared = prepare(cell);
    const StateOf<Attending> initial = cell.attending(scan.source(cell.source_size));
    const auto& [inner, context, weights, memory] = initial;
    if constexpr (std::same_as<typename Attending::Source, AttentionMemory<T>>)
        scan.mask_source(memory[2]);
    else if (builder.source_mask())
        throw std::invalid_argument(
            "save_onnx: an attention of one's own is exported without `source_lengths`: what it prepares "
            "of them is not known");
    std::vector<Var<T>> carried = listed<T>(inner);
    const std::size_t inner_parts = carried.size();
    carried.insert(carried.end(), {context, weights});
    std::vector<Var<T>> seen = listed<T>(prepared);
    for (const Var<T>& part : listed<T>(memory)) seen.push_back(part);
    scan.open({scan.sequence()}, carried, seen);

    const std::vector<Var<T>>& states = scan.states();
    const auto of_inner = static_cast<std::ptrdiff_t>(inner_parts);
    const StateOf<Attending> before{
        structured(std::vector<Var<T>>(states.begin(), states.begin() + of_inner), inner),
        states[inner_parts], states[inner_parts + 1], memory};
    const LabelScope<T> label("step");
    const auto [output, next] = step(cell, scan.inputs().front(), before, prepared);
    std::vector<Var<T>> after = listed<T>(std::get<0>(next));
    after.insert(after.end(), {std::get<1>(next), std::get<2>(next)});
    return scan.close(output, after);
}

}  // namespace tapeloop::nn::detail
