#pragma once

namespace tapeloop::nn {

/// The way in which many losses become one number. With `lengths` [B] in a loss's options its values are [T,
/// B,
/// ..], and positions t >= lengths[b] do not count: their loss and their gradients are 0, whatever they hold.
/// Where nothing counts, the loss is 0.
enum class Reduction {
    batch_mean,  ///< the sum over time, averaged over the batch: the J of the textbook
    mean,        ///< the mean over all that count
    sum,
    none,  ///< no number: all losses as they are
};

}  // namespace tapeloop::nn
