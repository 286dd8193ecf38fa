#pragma once

#include <autograd/tape.hpp>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace tapeloop {

/// An argument to differentiate by: a `Parameter`, or any `Var` of the tape.
template <class T>
class Wrt {
  public:
    /// The storage of a parameter, by which it is known.
    using Storage = typename Parameter<T>::Storage;

    /// Asks by a parameter.
    Wrt(const Parameter<T>& parameter) : parameter_(parameter.storage()) {}
    /// Asks by a node of the tape.
    Wrt(const Var<T>& var) : var_(var) {}
    /// Asks by the node of a parameter, so that either finds the gradient.
    Wrt(std::shared_ptr<const Storage> parameter, const Var<T>& var)
        : parameter_(std::move(parameter)), var_(var) {}

    /// Null for a `Var`.
    const Storage* parameter() const { return parameter_.get(); }
    /// Returns the `Var`; one that refers to nothing for a parameter that was not asked for by its node.
    const Var<T>& var() const { return var_; }
    /// Returns the shape that the gradient will have.
    Shape shape() const { return parameter_ != nullptr ? parameter_->shape : var_.shape(); }
    /// Returns whether both ask for the same: by the same parameter, or by the same node.
    friend bool operator==(const Wrt& a, const Wrt& b) {
        const bool both_name_one = a.parameter_ != nullptr && b.parameter_ != nullptr;
        return both_name_one ? a.parameter_ == b.parameter_ : a.var_.is(b.var_);
    }

  private:
    std::shared_ptr<const Storage> parameter_;
    Var<T> var_;
};

/// The list of them: `{cell.U, x}`, a `ParameterList`, or both joined by `add`.
template <class T>
class WrtList {
  public:
    /// Takes a list in braces.
    WrtList(std::initializer_list<Wrt<T>> list) : list_(list) {}
    /// Takes a vector.
    WrtList(std::vector<Wrt<T>> list) : list_(std::move(list)) {}
    /// Takes all parameters of a list, in its order.
    WrtList(const ParameterList<T>& parameters) {
        for (const auto& entry : parameters) list_.emplace_back(*entry.parameter);
    }
    /// Adds one at the end.
    WrtList& add(Wrt<T> more) {
        list_.push_back(more);
        return *this;
    }
    /// Returns what is asked for, in order.
    const std::vector<Wrt<T>>& list() const { return list_; }

  private:
    std::vector<Wrt<T>> list_;
};

/// All nodes of a tape that have a value, in their order: `gradient(J, every_node(tape))` keeps the cotangent
/// of each. That of a parameter is found by the parameter as well as by its node.
WrtList<float> every_node(Tape<float>& tape);
WrtList<double> every_node(Tape<double>& tape);

namespace detail {

/// The node of what is asked for; none for a parameter that is not on the tape. Throws `std::logic_error` in
/// the name of `caller` for a `Var` of another tape.
template <class T>
std::optional<NodeIndex> find_node(const Tape<T>& tape, const Wrt<T>& wrt, std::string_view caller);

extern template std::optional<NodeIndex> find_node(const Tape<float>&, const Wrt<float>&, std::string_view);
extern template std::optional<NodeIndex> find_node(const Tape<double>&, const Wrt<double>&, std::string_view);

}  // namespace detail

}  // namespace tapeloop
