#include <fmt/format.h>
#include <autograd/sweep/reach.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tapeloop::detail {

template <class T>
Reach<T>::Reach(const Tape<T>& tape, NodeIndex first, NodeIndex last, std::span<const NodeIndex> wrt)
    : first_(first), last_(last), reached_(last < first ? 0 : last - first + 1, 0) {
    for (NodeIndex node : wrt)
        if (node >= first && node <= last) reached_[node - first] = 1;
    for (NodeIndex node = first; node <= last && last >= first; ++node) {
        std::uint8_t reached = reached_[node - first];
        for (NodeIndex input : tape.inputs(node))
            if (input >= first) reached |= reached_[input - first];
        reached_[node - first] = reached;
    }
}

template <class T>
Reach<T>::Reach(NodeIndex node, NodeIndex last, std::vector<NodeIndex> wanted_inputs)
    : first_(node), last_(last), reached_(last - node + 1, 1), in_front_(std::move(wanted_inputs)) {
    std::sort(in_front_.begin(), in_front_.end());
}

template <class T>
std::size_t Reach<T>::place_in_front(NodeIndex node) const {
    const auto found = std::lower_bound(in_front_.begin(), in_front_.end(), node);
    const bool is_there = found != in_front_.end() && *found == node;
    return is_there ? static_cast<std::size_t>(found - in_front_.begin()) : in_front_.size();
}

template <class T>
void fail_contribution(const Tape<T>& tape, NodeIndex node, NodeIndex argument, const Shape& shape) {
    throw std::logic_error(fmt::format(
        "gradient: a rule of {} gives its argument {}, which is {}, a cotangent of {}; it must have the "
        "argument's "
        "shape or broadcast from or to it",
        tape.describe(node), tape.describe(argument), tape.node(argument).shape.text(), shape.text()));
}

template class Reach<float>;
template class Reach<double>;
template void fail_contribution(const Tape<float>&, NodeIndex, NodeIndex, const Shape&);
template void fail_contribution(const Tape<double>&, NodeIndex, NodeIndex, const Shape&);

}  // namespace tapeloop::detail
