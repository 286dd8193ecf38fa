#pragma once

#include <autograd/var.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <vector>

namespace tapeloop::nn {

/// The labels of every row of a batch, as many as it has: `{{3, 1, 1}, {2}}`. A row may have none.
using LabelSequences = std::vector<std::vector<std::ptrdiff_t>>;

/// Options of `ctc_loss`.
struct CtcOptions {
    Reduction reduction = Reduction::batch_mean;
    /// The class that stands for no label. Keras' `ctc_batch_cost` takes the last one.
    std::ptrdiff_t blank = 0;
    /// A row that no alignment fits has the loss 0 instead of infinity.
    bool zero_infinity = false;
    /// The number of time steps of each row that count; empty: all. See `Reduction`. They must be fixed.
    Lengths lengths = {};
};

/// Connectionist temporal classification (Graves et al. 2006): -log of the probability of each row's labels,
/// summed over all alignments of them to the row's time steps. An alignment names a class for each step;
/// equal neighbours count once, then blanks are dropped.
///
/// `logits` are [T, B, C]; log_softmax is applied inside (PyTorch's `ctc_loss` takes its result, Keras'
/// `ctc_batch_cost` takes probabilities). `labels` are B lists of classes in 0..C-1 other than `blank`.
/// `none` gives the losses [B]; `batch_mean` averages them, `mean` averages them over the number of their
/// labels, at least 1, as PyTorch's does. A row with too few time steps has an infinite loss and the gradient
/// 0 (PyTorch's is NaN); one with neither time steps nor labels has the loss 0. Takes O(T S) per row for S
/// labels. Throws `std::invalid_argument` when logits do not have three axes, when labels or lengths do not
/// fit them, and names the place of a label that is out of range or the blank.
Var<float> ctc_loss(const Operand<float>& logits, const LabelSequences& labels,
                    const CtcOptions& options = {});
Var<double> ctc_loss(const Operand<double>& logits, const LabelSequences& labels,
                     const CtcOptions& options = {});

}  // namespace tapeloop::nn
