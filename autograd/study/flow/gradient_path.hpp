#pragma once

#include <autograd/gradient.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

/// The path along which most of a gradient arrives.
namespace tapeloop::detail {

/// The root of the mean square, in double.
template <class T>
double rms(const T* elements, std::size_t count);

/// The cotangents of all nodes up to J, by one sweep.
template <class T>
class Cotangents {
  public:
    explicit Cotangents(const Var<T>& J);

    /// Null for a node that has no value or no cotangent but zeros.
    const Tensor<T>* at(NodeIndex node) const;
    /// Returns the cotangent's root mean square, per element; of an operation with several results, over all
    /// of them.
    double rms(NodeIndex node) const { return rms_[node]; }

  private:
    double joint_rms(const Tape<T>& tape, NodeIndex node) const;

    static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
    Gradients<T> gradients_;
    std::vector<std::size_t> places_;
    std::vector<double> rms_;
};

/// One node of a path, and what it hands on: the root mean squares of its cotangent, of its contribution to
/// `input`, and of all that arrives there.
struct Hop {
    NodeIndex node;
    NodeIndex input;
    double in;
    double out;
    double sum;
};

/// Returns the logarithm of a factor, to compare paths by. Where nothing arrives every factor is as good.
double weight_of_factor(double in, double out);

/// Puts the users from which a last step is tried to the front, by their `rank`, and returns the end of them.
/// A parameter has one for each time step, and running a rule takes time in proportion to the distance of its
/// arguments on the tape.
template <class Iterator, class Rank>
Iterator best_users_first(Iterator begin, Iterator end, const Rank& rank) {
    constexpr std::ptrdiff_t enough = 64;
    const Iterator middle = begin + std::min(enough, end - begin);
    std::partial_sort(begin, middle, end, [&](const auto& a, const auto& b) { return rank(a) > rank(b); });
    return middle;
}

/// Says which nodes depend on `of`, itself included.
template <class T>
std::vector<bool> dependents(const Tape<T>& tape, NodeIndex of);

/// Returns the path from J to `of` whose factors, out / in, have the largest product; where every path ends
/// in zeros, one with as few ends as possible. Empty when there is none.
template <class T>
std::vector<Hop> largest_path(Tape<T>& tape, NodeIndex J, NodeIndex of, const Cotangents<T>& cotangents);

}  // namespace tapeloop::detail
