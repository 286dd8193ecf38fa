#pragma once

#include <optim/slots.hpp>

#include <cstdint>
#include <map>

namespace tapeloop::optim {

/// Options by their names, such as `beta1`; one that is on or off is 1 or 0.
using OptionValues = std::map<std::string, double>;

/// All that steps change in an optimizer, the parameters' values apart, and the options of which they are.
template <class T>
struct OptimizerState {
    /// The running quantities of one parameter.
    struct Entry {
        std::string path;                ///< of the parameter
        std::vector<Tensor<T>> running;  ///< in the order of the optimizer's documented formulas
    };
    std::string optimizer;
    std::uint64_t steps = 0;
    double learning_rate = 0;
    std::vector<Entry> entries;
    OptionValues options;  ///< those on which later steps depend
};

/// The interface of every optimizer. It refers to its parameters; it moves but does not copy, since two of
/// them on the same parameters would each know half of the steps.
template <class T>
class Optimizer {
  public:
    virtual ~Optimizer() = default;
    Optimizer(Optimizer&&) noexcept = default;
    Optimizer& operator=(Optimizer&&) noexcept = default;
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;

    /// Updates every parameter. Throws `std::invalid_argument`, and changes nothing, when a gradient is
    /// missing, of another shape, not finite, or so large that a square the optimizer keeps of it is not; and
    /// when a parameter was replaced by one of another shape since the optimizer was made (one of the same
    /// shape takes its place). Throws `std::logic_error` when a parameter is gone.
    virtual void step(const Gradients<T>& gradients) = 0;

    /// The steps that were made.
    std::uint64_t steps() const { return steps_; }
    /// Returns the learning rate of the next step.
    double learning_rate() const { return learning_rate_; }
    /// Throws `std::invalid_argument` when `rate` is negative or not finite.
    void set_learning_rate(double rate);

    /// Returns a copy of all that steps have changed, for `restore`.
    OptimizerState<T> state() const;
    /// Goes on from `state`, with the same options and parameters (their values are not part of it). Throws
    /// `std::invalid_argument`, and changes nothing, when it is the state of another optimizer or of other
    /// options, or of parameters with other paths or shapes, or holds a NaN or an infinity. Throws as `step`
    /// does for parameters that were replaced or are gone.
    void restore(OptimizerState<T> state);
    /// Throws what `restore` would throw.
    void require_fits(const OptimizerState<T>& state) const;

  protected:
    /// `name` opens the texts of errors and must outlive the optimizer. Throws as `set_learning_rate` does.
    Optimizer(std::string_view name, const ParameterList<T>& parameters, std::size_t running_count,
              double learning_rate);

    /// One step: calls `update` for each parameter after all gradients were checked, and counts it.
    void update(const Gradients<T>& gradients,
                const std::function<void(detail::Slot<T>&, const Tensor<T>&)>& update);
    /// Returns the parameters with their running quantities.
    std::vector<detail::Slot<T>>& slots() { return slots_.list(); }
    /// Makes `update` refuse, from here on, gradients whose square is not finite.
    void refuse_overflow_of(const detail::Squared<T>& squared) { squared_ = squared; }
    /// Names the options that a state must share to be restored: all on which steps depend, but for the
    /// learning rate, which is part of the state.
    void name_options(OptionValues options) { options_ = std::move(options); }

  private:
    std::string_view name_;
    detail::Slots<T> slots_;
    std::optional<detail::Squared<T>> squared_;
    OptionValues options_;
    std::uint64_t steps_ = 0;
    double learning_rate_;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;

}  // namespace tapeloop::optim
