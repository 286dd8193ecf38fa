#pragma once

#include <tests/fuzz/program.hpp>

#include <autograd/gradient.hpp>

#include <algorithm>
#include <deque>
#include <span>

namespace tapeloop::fuzz {

/// A program on a tape.
template <class T>
class Run {
  public:
    explicit Run(TapeOptions options = {}) : tape_(options) {}
    /// The whole program, with these values of its leaves. Of lines that pass no cotangent the values come
    /// from `frozen` if it is given, so that differences see what gradients do.
    Run(const Program& program, const Tensors& leaves, TapeOptions options = {},
        const Tensors* frozen = nullptr);

    /// The whole program, up to so many lines at once, of which only the values are kept: what else they
    /// compute is computed again when the gradient comes to it.
    Run(const Program& program, std::size_t lines_at_once);

    void add_leaf(LeafKind kind, const Tensor<double>& value);
    /// Returns the number of results. What the operation throws comes through, and leaves the run as before.
    std::size_t add(const Call& call, Scope scope);

    Tape<T>& tape() { return tape_; }
    std::size_t size() const { return values_.size(); }
    const Value<T>& operator[](Id id) const { return values_[id]; }
    /// The parameter of a leaf that is one.
    Parameter<T>& parameter(Id id) {
        return *std::find_if(parameters_.begin(), parameters_.end(),
                             [&](const Parameter<T>& one) { return &one == values_[id].parameter; });
    }
    Shape shape(Id id) const { return values_[id].operand().shape(); }
    /// As `double`, which holds every `float`.
    Tensor<double> value(Id id) const;
    Tensors values() const;
    /// The inputs and parameters among the leaves, in order.
    std::vector<Wrt<T>> wrt() const { return wrt_; }
    std::vector<GradientRoot<T>> roots(const std::vector<ProgramRoot>& roots) const;
    /// The inner product of all roots and their cotangents.
    Var<T> loss(const std::vector<ProgramRoot>& roots);

  private:
    void add_recomputed(std::span<const Line> lines);
    static Vars<T> compute(const std::vector<Value<T>>& values, const Call& call, Scope scope);

    std::deque<Parameter<T>> parameters_;
    std::deque<Tensor<T>> tensors_;
    Tape<T> tape_;
    std::vector<Value<T>> values_;
    std::vector<Wrt<T>> wrt_;
};

extern template class Run<float>;
extern template class Run<double>;

/// `call` alone, on these arguments as inputs.
template <class T>
struct Alone {
    Alone(const Call& call, const Tensors& arguments);
    Tensors values() const;
    /// The gradient of the inner product with these cotangents, by each argument.
    Tensors gradients(const Tensors& cotangents) const;

    Tape<T> tape;
    Vars<T> arguments;
    Vars<T> results;
};

extern template struct Alone<float>;
extern template struct Alone<double>;

/// Returns whether all elements are.
bool is_finite(const Tensors& all);

}  // namespace tapeloop::fuzz
