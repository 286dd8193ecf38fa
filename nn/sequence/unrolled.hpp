#pragma once

#include <autograd/var.hpp>
#include <nn/sequence/lengths.hpp>

#include <vector>

namespace tapeloop::nn {

/// A mask that says which time steps of each row of a batch count, [T, B]: any xtensor expression of booleans
/// or numbers with two axes, in which 0 stands for a time step that does not.
class StepMask {
  public:
    /// All count.
    StepMask() = default;
    /// Takes the expression; `unroll` checks its shape.
    template <tapeloop::detail::TensorExpression E>
    StepMask(const E& expression) : shape_(Shape::of(expression.shape())) {
        for (const auto element : expression) counts_.push_back(element != 0);
    }

    bool empty() const { return shape_.rank() == 0; }
    /// Returns [T, B], or no axes when there is no mask.
    const Shape& shape() const { return shape_; }
    /// Returns whether the time step counts for the row.
    bool operator()(std::size_t t, std::size_t row) const { return counts_[t * shape_[1] + row]; }
    /// Returns the mask with its two axes exchanged.
    StepMask transposed() const;

  private:
    std::vector<bool> counts_;
    Shape shape_;
};

/// Options that say how a sequence is read.
struct UnrollOptions {
    /// x and the outputs are [B, T, ..] instead of [T, B, ..].
    bool batch_first = false;
    /// Run the cell's `project` once for all time steps. Off, each step projects its own input, slower, so
    /// that every use of a weight stands at its time step in the recorded graph: for study.
    bool hoist = true;
    /// Keep the state after every time step in `Unrolled::trace`.
    bool trace = false;
    /// Read from the last time step to the first. Outputs and trace stand at the t they belong to, and the
    /// final state is the one after t = 0.
    bool reverse = false;
    /// The number of time steps of each row of a padded batch that count, 0 to T; empty when all do. Behind
    /// its length a row's outputs are 0, its state stays as it is, and what x holds there, NaN included, has
    /// no influence on values and gradients: each row gives what it gives alone. Made of `Indices`, they are
    /// a slot of a `Program`.
    Lengths lengths = {};
    /// The time steps that count, in any pattern, with x's first two axes: [T, B], or [B, T] with
    /// `batch_first`. A masked step keeps the row's state and repeats the output of the one that was read
    /// before it, 0 if there is none, as Keras has it; what x holds there has no influence. With `lengths`
    /// both must hold.
    StepMask mask = {};
    /// The bytes that may be kept for the gradient of what the time steps compute, besides x, the outputs and
    /// what lies on the tape anyway; 0 for any number. Time steps that would take more are dropped, and
    /// computed again from states that are kept, when the gradient comes to them: once each where the budget
    /// allows it, else as often as it takes (binomial checkpoints; Griewank and Walther 2000). See
    /// `recomputed` for what a cell must keep to; it must live as long as the tape. Outputs have the same
    /// bits as without, and so have gradients of first order with `hoist` off; with it, those of what
    /// `project` reads are summed in another order. A cell that is linear in its state drops nothing.
    std::size_t memory = 0;
};

/// The outputs and the final state of an unrolled cell.
template <class T, class State>
struct Unrolled {
    Var<T> outputs;            ///< of every time step, [T, B, H]
    State state;               ///< after the last time step that was read
    std::vector<State> trace;  ///< after each time step, if it was asked for
};

}  // namespace tapeloop::nn
