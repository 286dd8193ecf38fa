#pragma once

#include <autograd/kernels/norm.hpp>
#include <autograd/wrt.hpp>

#include <concepts>
#include <vector>

namespace tapeloop {

/// The result of a sweep: for each parameter or `Var` asked for, a `V` of its shape. `Tensor`s outlive the
/// tape.
template <class T, class V>
class GradientsOf {
  public:
    /// Takes what was asked for and a gradient for each.
    GradientsOf(std::vector<Wrt<T>> wrt, std::vector<V> values)
        : wrt_(std::move(wrt)), values_(std::move(values)) {}

    /// Throws `std::invalid_argument` for what was not asked for.
    const V& operator[](const Wrt<T>& wrt) const& { return values_[place_of(wrt)]; }
    V& operator[](const Wrt<T>& wrt) & { return values_[place_of(wrt)]; }
    /// Returns by value, so that `gradient(J, {x})[x]` does not dangle.
    V operator[](const Wrt<T>& wrt) && { return std::move((*this)[wrt]); }

    std::size_t size() const { return values_.size(); }
    /// Returns what was asked for, in its order.
    const std::vector<Wrt<T>>& wrt() const { return wrt_; }
    /// Returns the i-th gradient, in the order in which they were asked for.
    const V& at(std::size_t i) const { return values_.at(i); }
    V& at(std::size_t i) { return values_.at(i); }
    auto begin() { return values_.begin(); }
    auto end() { return values_.end(); }
    auto begin() const { return values_.begin(); }
    auto end() const { return values_.end(); }

    /// Adds those of another batch, or of another loss. Throws `std::invalid_argument`, and changes nothing,
    /// unless `more` is of the same list: the same parameters in the same order.
    GradientsOf& operator+=(const GradientsOf& more) requires std::same_as<V, Tensor<T>>;
    /// Scales all of them: by 1 / n after n batches were added up.
    GradientsOf& operator*=(double factor) requires std::same_as<V, Tensor<T>>;
    /// Returns their common Euclidean norm, which no square of theirs makes overflow or vanish. What was
    /// asked for twice counts once.
    double norm() const requires std::same_as<V, Tensor<T>>;
    /// Returns for each place whether no earlier one asks for the same: what belongs to all of them counts
    /// once.
    std::vector<bool> is_first() const;

  private:
    std::size_t place_of(const Wrt<T>& wrt) const;

    std::vector<Wrt<T>> wrt_;
    std::vector<V> values_;
};

/// The gradients of a sweep as tensors.
template <class T>
using Gradients = GradientsOf<T, Tensor<T>>;

namespace detail {

/// Returns the scaled norm of all of them together, each once, for what has to know the norm even where
/// double does not hold it.
template <class T>
ScaledNorm scaled_norm(const Gradients<T>& gradients);

}  // namespace detail
/// Gradients that are themselves on the tape, to be differentiated again.
template <class T>
using GradientGraph = GradientsOf<T, Var<T>>;

/// One root of a sweep with its cotangent, of the root's shape.
template <class T>
struct GradientRoot {
    Var<T> value;
    Tensor<T> cotangent;
};
/// One root of a recorded sweep with its cotangent, of the root's shape.
template <class T>
struct GradientGraphRoot {
    Var<T> value;
    Var<T> cotangent;
};

/// The gradient of J, which has a single element, by reverse sweep over the tape. What J does not depend on
/// gets zeros. Nothing is stored on the tape or on a parameter: it can be called again, and by two threads on
/// two tapes of the same model. Throws `std::invalid_argument` when J has several elements (give a
/// `GradientRoot` with a cotangent for each), and `std::logic_error` when a parameter was changed after it
/// was recorded, or `wrt` is a `Var` of another tape.
Gradients<float> gradient(const Var<float>& J, const WrtList<float>& wrt);
Gradients<double> gradient(const Var<double>& J, const WrtList<double>& wrt);
/// The sum over `roots` of the vector-Jacobian products cotangent . d value / d wrt.
Gradients<float> gradient(const std::vector<GradientRoot<float>>& roots, const WrtList<float>& wrt);
Gradients<double> gradient(const std::vector<GradientRoot<double>>& roots, const WrtList<double>& wrt);

/// Returns the results of the same sweep, recorded on the tape of J, so that its results can be
/// differentiated again. What it records for a node labelled `encoder/t=3` is labelled `adjoint/encoder/t=3`,
/// below the label of the caller, and so belongs to that time step.
GradientGraph<float> gradient_graph(const Var<float>& J, const WrtList<float>& wrt);
GradientGraph<double> gradient_graph(const Var<double>& J, const WrtList<double>& wrt);
GradientGraph<float> gradient_graph(const std::vector<GradientGraphRoot<float>>& roots,
                                    const WrtList<float>& wrt);
GradientGraph<double> gradient_graph(const std::vector<GradientGraphRoot<double>>& roots,
                                     const WrtList<double>& wrt);

}  // namespace tapeloop
