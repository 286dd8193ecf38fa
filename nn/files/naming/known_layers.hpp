#pragma once

#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/layers/embedding.hpp>
#include <nn/layers/layer_norm.hpp>
#include <nn/layers/linear.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>

namespace tapeloop::nn::detail {

template <class C>
inline constexpr bool is_known_cell = false;
template <class T>
inline constexpr bool is_known_cell<ElmanCell<T>> = true;
template <class T>
inline constexpr bool is_known_cell<LstmCell<T>> = true;
template <class T>
inline constexpr bool is_known_cell<LstmVariantCell<T>> = true;
template <class T>
inline constexpr bool is_known_cell<GruCell<T>> = true;
template <class T>
inline constexpr bool is_known_cell<ResetBeforeGruCell<T>> = true;
template <class T>
inline constexpr bool is_known_cell<MinimalGruCell<T>> = true;

/// A cell of this library that others have, or that is refused with the reason.
template <class C>
concept KnownCell = is_known_cell<C>;

template <class L, class T, class F>
bool visit_as(AnyLayer<T>& layer, const F& f) {
    L* held = layer.template find<L>();
    if (held != nullptr) f(*held);
    return held != nullptr;
}

template <class C, class T, class F>
bool visit_as_cell(AnyLayer<T>& layer, const F& f) {
    return visit_as<C>(layer, f) || visit_as<Bidirectional<C>>(layer, f) || visit_as<Reversed<C>>(layer, f);
}

/// Calls `f` with the layer that is held when it is one of the library's that others have, too: a cell, both
/// directions of it or the reversed one, `Linear`, `LayerNorm`, or `Dropout`. Returns whether it was.
template <class T, class F>
bool visit_known(AnyLayer<T>& layer, const F& f) {
    return visit_as_cell<ElmanCell<T>>(layer, f) || visit_as_cell<LstmCell<T>>(layer, f) ||
           visit_as_cell<LstmVariantCell<T>>(layer, f) || visit_as_cell<GruCell<T>>(layer, f) ||
           visit_as_cell<ResetBeforeGruCell<T>>(layer, f) || visit_as_cell<MinimalGruCell<T>>(layer, f) ||
           visit_as<Linear<T>>(layer, f) || visit_as<LayerNorm<T>>(layer, f) || visit_as<Dropout>(layer, f);
}

}  // namespace tapeloop::nn::detail
