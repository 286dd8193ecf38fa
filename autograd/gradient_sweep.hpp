#pragma once

#include <autograd/gradient.hpp>
#include <autograd/sweep/request.hpp>
#include <autograd/sweep/sweep.hpp>
#include <autograd/take_gradients.hpp>

#include <compare>
#include <vector>

namespace tapeloop::detail {

/// A sweep that ends in tensors: the gradients of roots with respect to what was asked for.
template <class T>
class GradientSweep {
  public:
    /// Checks the request. Throws as `gradient` says.
    GradientSweep(std::vector<GradientRoot<T>> roots, const WrtList<T>& wrt);

    Tape<T>& tape() { return asked_.tape; }
    /// Delivers the roots' cotangents and takes every node; later runs need a `restart` of the sweep.
    void run();
    /// As `run`, and hands each gradient over as soon as it is complete.
    void run_for(GradientReceiver<T>& receiver);
    /// Runs, and adds what it does to `steps`, which refer to this sweep: see `Sweep::run_into`.
    void run_into(Steps<T>& steps);
    /// The gradients that the last run computed.
    Gradients<T>& gradients() { return gradients_; }

  private:
    static Gradients<T> uninitialised_for(const WrtList<T>& wrt);
    /// A gradient, and the node after whose visit it is complete.
    struct Completion {
        NodeIndex node;
        std::size_t place;
        auto operator<=>(const Completion&) const = default;
    };
    std::vector<Completion> completions() const;
    void deliver_roots();
    void finish(std::size_t place);
    void finish();

    std::vector<GradientRoot<T>> roots_;
    Request<T> asked_;
    Gradients<T> gradients_;
    Sweep<T> sweep_;
};

extern template class GradientSweep<float>;
extern template class GradientSweep<double>;

}  // namespace tapeloop::detail
