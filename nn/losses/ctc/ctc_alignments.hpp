#pragma once

#include <autograd/kernels/array.hpp>
#include <autograd/var.hpp>

#include <limits>
#include <memory>
#include <vector>

namespace tapeloop::nn::detail {

/// The logarithm of the probability 0.
inline constexpr double impossible = -std::numeric_limits<double>::infinity();

/// The labels and lengths that the alignments of a batch are about. The states of a row are its labels with a
/// blank before, between and after them, 2 S + 1: the l' of Graves et al.
struct Alignments {
    std::vector<std::vector<std::size_t>> states;  ///< of each row, the class of each state
    std::vector<std::size_t> lengths;              ///< of each row
    bool zero_infinity = false;

    std::size_t batch() const { return states.size(); }
    /// Returns whether a path may come to `state` from two states before it: a blank between different labels
    /// may be left out.
    bool may_skip(std::size_t row, std::size_t state) const {
        const auto& own = states[row];
        return state % 2 == 1 && state >= 2 && own[state] != own[state - 2];
    }
};

/// The loss of each row, [B], of logits [T, B, C].
template <class T>
Array<T> ctc_losses(const Alignments& alignments, const Array<T>& logits);

/// Computes the losses' gradient by the logits, each row times g [B].
template <class T>
Array<T> ctc_slope(const Alignments& alignments, const Array<T>& g, const Array<T>& logits);

/// Computes it from the definition, recorded: the losses by recorded operations, and their gradient graph.
template <class T>
Var<T> ctc_slope(const Alignments& alignments, const Var<T>& g, const Var<T>& logits);

}  // namespace tapeloop::nn::detail
