#pragma once

#include <autograd/gradient.hpp>
#include <autograd/sweep/sweep.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tapeloop {

/// One place in time at which a parameter takes part in a computation.
struct ParameterUse {
    /// The time step of the nodes; none for a node outside every time step, which is a use of its own.
    std::optional<std::size_t> time_step;
    /// The operations that have the parameter as an input there.
    std::vector<NodeIndex> nodes;
    std::vector<std::string> descriptions;  ///< of the nodes, as error texts name them
    /// The number of the loop, among the loops over time that use the parameter, from 0.
    std::size_t loop = 0;

    /// `t=3`, in a further loop `t=3 (loop 1)`, or the description of the node where there is no time step.
    std::string label() const;
};

namespace detail {

/// The uses of one parameter, and what each of them contributes to a gradient.
template <class T>
class ParameterUses {
  public:
    /// Finds the uses of `parameter` on a tape, which must outlive this.
    ParameterUses(Tape<T>& tape, const Parameter<T>& parameter);

    /// Returns the uses: those at time steps loop by loop, each in the order of time, then the others; none
    /// if the parameter is no input of any operation on the tape.
    const std::vector<ParameterUse>& list() const { return uses_; }

    /// Returns for each use its summand, of the parameter's shape, of the gradient that `gradient(roots,
    /// parameter)` gives: one sweep, in which the cotangents of the using nodes are kept, then the rules of
    /// those nodes alone. Nothing where no cotangent arrives. Throws as `gradient` does: `std::logic_error`
    /// for a root on another tape or a parameter that was changed after it was recorded,
    /// `std::invalid_argument` for a cotangent that is not of its root's shape.
    std::vector<std::optional<Tensor<double>>> summands(const std::vector<GradientRoot<T>>& roots) const;

  private:
    bool arrives(const Sweep<T>& sweep, NodeIndex node) const;
    Tensor<T> contribution_to_leaf(const Sweep<T>& sweep, NodeIndex node) const;

    Tape<T>& tape_;
    NodeIndex leaf_ = 0;
    std::vector<ParameterUse> uses_;
};

extern template class ParameterUses<float>;
extern template class ParameterUses<double>;

}  // namespace detail

}  // namespace tapeloop
