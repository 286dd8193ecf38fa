#pragma once

#include <autograd/sweep/reach.hpp>
#include <autograd/wrt.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

namespace tapeloop::detail {

/// The request of a sweep, found on the tape and checked.
template <class T>
struct Request {
    Tape<T>& tape;
    std::vector<std::optional<NodeIndex>> nodes;  ///< of each entry of wrt; none for what is not on the tape
    Reach<T> reach;

    /// The node of entry `i`, if the roots depend on it.
    std::optional<NodeIndex> reached(std::size_t i) const {
        return nodes[i].has_value() && reach.contains(*nodes[i]) ? nodes[i] : std::nullopt;
    }
};

inline Shape cotangent_shape(const auto& var) { return var.shape(); }
template <class T>
Shape cotangent_shape(const Tensor<T>& tensor) {
    return shape_of(tensor);
}

/// The one tape of all roots. Throws when there is none, when they lie on different ones, and when a
/// cotangent does not fit its root.
template <class T, class RootType>
Tape<T>& tape_of_roots(const std::vector<RootType>& roots) {
    if (roots.empty()) throw std::invalid_argument("gradient: no root given");
    Tape<T>& tape = roots.front().value.tape();
    for (const RootType& root : roots) {
        if (&root.value.tape() != &tape) throw std::logic_error("gradient: the roots lie on different tapes");
        if constexpr (std::same_as<decltype(root.cotangent), Var<T>>)
            if (&root.cotangent.tape() != &tape)
                throw std::logic_error(
                    "gradient: a root's cotangent lies on another tape; pass its value() through input()");
        if (const Shape shape = cotangent_shape(root.cotangent); root.value.shape() != shape)
            throw std::invalid_argument(
                fmt::format("gradient: a root is {} and its cotangent {}; they must be equal",
                            root.value.shape().text(), shape.text()));
    }
    return tape;
}

/// Throws as `gradient` says.
template <class T, class RootType>
Request<T> request(const std::vector<RootType>& roots, const WrtList<T>& wrt) {
    Tape<T>& tape = tape_of_roots<T>(roots);
    tape.require_unchanged_parameters();
    NodeIndex last = 0;
    for (const RootType& root : roots) last = std::max(last, root.value.index());
    NodeIndex first = last;
    std::vector<std::optional<NodeIndex>> nodes;
    std::vector<NodeIndex> asked;
    for (const Wrt<T>& one : wrt.list()) {
        nodes.push_back(find_node(tape, one, "gradient"));
        if (!nodes.back().has_value()) continue;
        asked.push_back(*nodes.back());
        first = std::min(first, asked.back());
    }
    return {tape, std::move(nodes), Reach<T>(tape, first, last, asked)};
}

/// The cotangent of J itself. Throws when J has several elements.
template <class T>
Tensor<T> cotangent_of_scalar(const Var<T>& J) {
    if (J.shape().size() != 1)
        throw std::invalid_argument(fmt::format(
            "gradient: J is {}; it must have one element, or come as a GradientRoot with a cotangent",
            J.shape().text()));
    Tensor<T> one = uninitialised<T>(J.shape());
    *one.data() = T(1);
    return one;
}

}  // namespace tapeloop::detail
