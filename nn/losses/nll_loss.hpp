#pragma once

#include <autograd/var.hpp>
#include <nn/losses/classes.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <optional>
#include <vector>

namespace tapeloop::nn {

/// Options with the meaning that they have in `CrossEntropyOptions`.
struct NllOptions {
    Reduction reduction = Reduction::batch_mean;
    std::optional<std::ptrdiff_t> ignore = std::nullopt;
    std::vector<double> weights = {};
    Lengths lengths = {};
};

/// The negative log likelihood of the classes in `targets` where log probabilities are at hand:
/// -log_probabilities[target], such as those of `log_softmax`. From logits `softmax_cross_entropy` is faster
/// and keeps more digits.
///
/// `log_probabilities` are [T, B, O] or [B, O]; shapes, divisors and errors as for `softmax_cross_entropy`.
Var<float> nll_loss(const Operand<float>& log_probabilities, const Targets& targets,
                    const NllOptions& options = {});
Var<double> nll_loss(const Operand<double>& log_probabilities, const Targets& targets,
                     const NllOptions& options = {});

}  // namespace tapeloop::nn
