#pragma once

#include <autograd/gradient.hpp>
#include <autograd/ops/index.hpp>

#include <memory>

namespace tapeloop {

/// Options of a `Program`.
struct ProgramOptions {
    /// Allow that values were read while the computation was recorded: whoever sets it knows that what was
    /// done with them would be the same for other inputs and parameters.
    bool reads_are_harmless = false;
};

/// A recording that runs again, forward and backward, without recording: no shape is checked and no node is
/// appended. Where shapes stay the same from step to step, training through it costs
/// little more than a loop by hand.
///
///     Tape<float> tape;
///     const Var<float> x = input(first_batch);
///     const Var<float> J = loss(model(x), ...);
///     Program<float> program(J, model.parameters());
///     while (...) {
///         program.set(x, next_batch);
///         program.run();
///         adam.step(program.gradients());     // and J.item() is the loss
///     }
///
/// A run reads inputs as they were `set`, parameters where they are, draws dropout masks anew from their
/// generators, and gives the bits that recording anew would give. Every `Var` of the tape then has its new
/// value. The tape must outlive the program; what was recorded after the program was made does not run again.
/// Several programs may share a tape: a run of one computes the values of both.
template <class T>
class Program {
  public:
    /// Makes a program of the tape of J, which has a single element, and of its gradients with respect to
    /// `wrt`, which it computes. Throws as `gradient` does; and throws `std::logic_error` when values were
    /// read while they were recorded (by `value()`, `item()` or `array()`, or below `Paused`), for what they
    /// led to would silently stay as it was, and when the tape is watched or observed, for a run is not seen.
    Program(const Var<T>& J, const WrtList<T>& wrt, ProgramOptions options = {});
    ~Program();
    /// Takes over another's recording; the other one is of no more use.
    Program(Program&&) noexcept;
    Program& operator=(Program&&) noexcept;

    /// Gives an input, which `input` or a constant's use recorded, another value, for the runs that follow.
    /// Throws `std::invalid_argument` when the shape is another, or when `x` is no input, and
    /// `std::logic_error` when `x` is of another tape or was recorded after the program was made.
    void set(const Var<T>& x, const Tensor<T>& value);
    /// Gives the nodes that were recorded with these positions, or a copy of them, others: tokens, the
    /// classes of a loss, the lengths of a padded batch (`nn::Lengths`). Throws `std::invalid_argument` when
    /// the shape is another, when nothing was recorded with them, and what recording with the others would
    /// throw; nothing is changed then.
    void set(const Indices& slot, const Indices& positions);
    /// Computes all values and the gradients. Throws `std::logic_error` when the tape is gone, or when a
    /// parameter was replaced by another; and what a function of the user's throws.
    void run();
    /// Computes all values and leaves the gradients. Throws as `run` does.
    void run_forward();

    /// Returns the gradients of the last run. They may be changed, as clipping does, or moved away: a run
    /// writes all of them anew.
    Gradients<T>& gradients();

  private:
    struct Recording;
    std::unique_ptr<Recording> recording_;
};

extern template class Program<float>;
extern template class Program<double>;

}  // namespace tapeloop
