#pragma once

#include <autograd/check/function.hpp>
#include <autograd/check/judge/saved_parameters.hpp>
#include <autograd/gradient.hpp>

#include <cstdint>
#include <span>

/// The subject of a check is a function at a point that can be moved. Afterwards parameters are as before.
namespace tapeloop::detail {

template <class T>
class Subject {
  public:
    /// A function's results, or with `order` 2 its gradient by all inputs, whose inputs are then followed by
    /// the cotangents of the results.
    Subject(const CheckFunction<T>& f, const CheckInputs<T>& inputs, int order, std::uint64_t seed);
    std::size_t size() const { return inputs_.size(); }
    const CheckInput<T>& input(std::size_t k) const { return inputs_[k]; }
    /// Returns the number of inputs that are the function's own.
    std::size_t own_inputs() const { return own_inputs_; }
    std::span<T> elements(std::size_t k);

    /// The results at this point, one behind the other.
    void evaluate(std::vector<double>& results);
    std::size_t evaluations() const { return evaluations_; }
    const std::vector<Shape>& result_shapes() const { return result_shapes_; }

    /// The value and gradients of one recorded run.
    struct Differentiated {
        std::vector<double> results;
        std::vector<std::vector<double>> gradients;  ///< by input
        std::size_t computed = 0;                    ///< elements, of all that was recorded
    };
    /// The gradient of <cotangent, results> by every input, from the tape.
    Differentiated differentiate(std::span<const double> cotangent);

    /// One run on a tape: the nodes of the tensor inputs, and the results.
    struct Run {
        std::vector<Var<T>> arguments;
        std::vector<Var<T>> results;
    };
    Run run(Tape<T>& tape);
    /// Returns what is differentiated of a run: its results, or with order 2 their recorded gradient by all
    /// inputs.
    std::vector<Var<T>> differentiated(const Run& run) const;
    /// Returns what the gradient is asked by, input by input.
    WrtList<T> wrt(const Run& run) const;
    /// Returns the roots of a run with parts of `cotangent`.
    std::vector<GradientRoot<T>> roots(const std::vector<Var<T>>& results,
                                       std::span<const double> cotangent) const;

    /// Says whether plain evaluations are recorded too: for functions that differentiate by themselves.
    void set_recording(bool on) { recording_ = on; }

    int order() const { return order_; }
    /// The tape of the run that is going on.
    const Tape<T>* tape() const { return tape_; }

  private:
    void evaluate_gradient(std::vector<double>& results);
    std::vector<GradientRoot<T>> own_roots(const Run& run) const;

    const CheckFunction<T>& f_;
    std::vector<CheckInput<T>> inputs_;
    std::size_t own_inputs_;
    SavedParameters<T> saved_;
    std::vector<Shape> result_shapes_;
    std::size_t evaluations_ = 0;
    int order_;
    bool recording_ = false;
    const Tape<T>* tape_ = nullptr;
};

extern template class Subject<float>;
extern template class Subject<double>;

}  // namespace tapeloop::detail
