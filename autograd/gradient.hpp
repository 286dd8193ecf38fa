#pragma once

#include <autograd/tape.hpp>

#include <initializer_list>
#include <vector>

namespace tapeloop {

/// What to differentiate by: a `Parameter`, or any `Var` of the tape.
template <class T>
class Wrt {
  public:
    using Storage = typename Parameter<T>::Storage;

    Wrt(const Parameter<T>& parameter) : parameter_(parameter.storage()) {}
    Wrt(const Var<T>& var) : var_(var) {}

    /// Null for a `Var`.
    const Storage* parameter() const { return parameter_.get(); }
    const Var<T>& var() const { return var_; }
    Shape shape() const { return parameter_ != nullptr ? parameter_->shape : var_.shape(); }
    friend bool operator==(const Wrt& a, const Wrt& b) {
        return a.parameter_ == b.parameter_ && a.var_.is(b.var_);
    }

  private:
    std::shared_ptr<const Storage> parameter_;
    Var<T> var_;
};

/// The list of them: `{cell.U, x}`, a `ParameterList`, or both joined by `add`.
template <class T>
class WrtList {
  public:
    WrtList(std::initializer_list<Wrt<T>> list) : list_(list) {}
    WrtList(std::vector<Wrt<T>> list) : list_(std::move(list)) {}
    WrtList(const ParameterList<T>& parameters) {
        for (const auto& entry : parameters) list_.emplace_back(*entry.parameter);
    }
    WrtList& add(Wrt<T> more) {
        list_.push_back(more);
        return *this;
    }
    const std::vector<Wrt<T>>& list() const { return list_; }

  private:
    std::vector<Wrt<T>> list_;
};

/// All nodes of a tape that have a value, in their order: `gradient(J, every_node(tape))` keeps the cotangent
/// of each.
WrtList<float> every_node(Tape<float>& tape);
WrtList<double> every_node(Tape<double>& tape);

/// The result of a sweep: for each parameter or `Var` asked for, a `V` of its shape. `Tensor`s outlive the
/// tape.
template <class T, class V>
class GradientsOf {
  public:
    GradientsOf(std::vector<Wrt<T>> wrt, std::vector<V> values)
        : wrt_(std::move(wrt)), values_(std::move(values)) {}

    /// Throws `std::invalid_argument` for what was not asked for.
    const V& operator[](const Wrt<T>& wrt) const&;
    V& operator[](const Wrt<T>& wrt) & { return const_cast<V&>(std::as_const(*this)[wrt]); }
    /// By value, so that `gradient(J, {x})[x]` does not dangle.
    V operator[](const Wrt<T>& wrt) && { return std::move((*this)[wrt]); }

    std::size_t size() const { return values_.size(); }
    /// What was asked for, in its order.
    const std::vector<Wrt<T>>& wrt() const { return wrt_; }
    /// In the order in which they were asked for.
    const V& at(std::size_t i) const { return values_.at(i); }
    V& at(std::size_t i) { return values_.at(i); }
    auto begin() { return values_.begin(); }
    auto end() { return values_.end(); }
    auto begin() const { return values_.begin(); }
    auto end() const { return values_.end(); }

  private:
    std::vector<Wrt<T>> wrt_;
    std::vector<V> values_;
};

template <class T>
using Gradients = GradientsOf<T, Tensor<T>>;
/// Gradients that are themselves on the tape, to be differentiated again.
template <class T>
using GradientGraph = GradientsOf<T, Var<T>>;

/// One root of a sweep with its cotangent, of the root's shape.
template <class T>
struct Root {
    Var<T> value;
    Tensor<T> cotangent;
};
template <class T>
struct GraphRoot {
    Var<T> value;
    Var<T> cotangent;
};

/// The gradient of J, which has a single element, by reverse sweep over the tape. What J does not depend on
/// gets zeros. Nothing is stored on the tape or on a parameter: it can be called again, and by two threads on
/// two tapes of the same model. Throws `std::invalid_argument` when J has several elements (give a `Root`
/// with a cotangent for each), and `std::logic_error` when a parameter was changed after it was recorded, or
/// `wrt` is a `Var` of another tape.
Gradients<float> gradient(const Var<float>& J, const WrtList<float>& wrt);
Gradients<double> gradient(const Var<double>& J, const WrtList<double>& wrt);
/// The sum over `roots` of the vector-Jacobian products cotangent . d value / d wrt.
Gradients<float> gradient(const std::vector<Root<float>>& roots, const WrtList<float>& wrt);
Gradients<double> gradient(const std::vector<Root<double>>& roots, const WrtList<double>& wrt);

/// The same sweep, recorded on the tape of J, so that its results can be differentiated again.
GradientGraph<float> gradient_graph(const Var<float>& J, const WrtList<float>& wrt);
GradientGraph<double> gradient_graph(const Var<double>& J, const WrtList<double>& wrt);
GradientGraph<float> gradient_graph(const std::vector<GraphRoot<float>>& roots, const WrtList<float>& wrt);
GradientGraph<double> gradient_graph(const std::vector<GraphRoot<double>>& roots, const WrtList<double>& wrt);

}  // namespace tapeloop
