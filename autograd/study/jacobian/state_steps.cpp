#include <fmt/format.h>
#include <autograd/study/jacobian/state_steps.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::detail {
namespace {

/// Throws unless the states lie on one tape and have the same parts.
template <class T>
void require_alike(const States<T>& states) {
    if (states.size() < 2 || states.front().empty())
        throw std::invalid_argument(
            fmt::format("jacobian_lens: {} states of {} parts; it takes at least two states of one part",
                        states.size(), states.empty() ? 0 : states.front().size()));
    const std::vector<Var<T>>& first = states.front();
    for (std::size_t i = 0; i < states.size(); ++i) {
        if (states[i].size() != first.size())
            throw std::invalid_argument(fmt::format("jacobian_lens: state {} has {} parts and state 0 has {}",
                                                    i, states[i].size(), first.size()));
        for (std::size_t part = 0; part < first.size(); ++part) {
            if (&states[i][part].tape() != &first.front().tape())
                throw std::logic_error("jacobian_lens: the states lie on different tapes");
            if (states[i][part].shape() != first[part].shape())
                throw std::invalid_argument(fmt::format(
                    "jacobian_lens: part {} of state {} is {} and of state 0 {}; they must be equal", part, i,
                    states[i][part].shape().text(), first[part].shape().text()));
        }
    }
}

/// The parts that some step changes.
template <class T>
std::vector<std::size_t> changing_parts(const States<T>& states) {
    std::vector<std::size_t> parts;
    for (std::size_t part = 0; part < states.front().size(); ++part)
        if (std::any_of(states.begin(), states.end(),
                        [&](const auto& state) { return !state[part].is(states.front()[part]); }))
            parts.push_back(part);
    if (parts.empty())
        throw std::invalid_argument("jacobian_lens: all states are the same; no step changes one");
    return parts;
}

template <class T>
std::size_t batch_of(const std::vector<Var<T>>& state, const std::vector<std::size_t>& parts) {
    const Shape& first = state[parts.front()].shape();
    for (std::size_t part : parts) {
        const Shape& shape = state[part].shape();
        if (shape.rank() == 0 || first.rank() == 0 || shape.size() == 0 || shape[0] != first[0])
            throw std::invalid_argument(
                fmt::format("jacobian_lens: part {} of the state is {}; all parts must be [B, ..] with the "
                            "same B, and not empty",
                            part, shape.text()));
    }
    return first[0];
}

/// Throws when the state that a step reads has two parts that cannot be told apart.
void require_distinct(const std::vector<NodeIndex>& nodes, std::size_t state) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
        if (std::find(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(i), nodes[i]) !=
            nodes.begin() + static_cast<std::ptrdiff_t>(i))
            throw std::invalid_argument(
                fmt::format("jacobian_lens: two parts of state {} are one and the same node, so that nothing "
                            "can be differentiated by one of them alone; give the network an initial state "
                            "whose parts are inputs of their own, or leave this state out",
                            state));
}

/// Throws when a part of state i was computed before the same part of the state before.
void require_later(const std::vector<std::size_t>& parts, const std::vector<NodeIndex>& nodes,
                   const std::vector<NodeIndex>& before, std::size_t i) {
    for (std::size_t k = 0; k < nodes.size(); ++k)
        if (nodes[k] < before[k])
            throw std::invalid_argument(fmt::format(
                "jacobian_lens: part {} of state {} was computed before state {}; give states in the order "
                "in which the network computed them, for one that reads in reverse from the last time step "
                "on. Of a network with two directions take the states of one at a time",
                parts[k], i, i - 1));
}

}  // namespace

std::vector<NodeIndex> Segments::nodes() const {
    std::vector<NodeIndex> nodes;
    for (const Segment& part : list) nodes.push_back(part.node);
    return nodes;
}

template <class T>
std::vector<Segments> segments_of(const States<T>& states) {
    require_alike(states);
    const std::vector<std::size_t> parts = changing_parts(states);
    const std::size_t batch = batch_of(states.front(), parts);
    const Tape<T>& tape = states.front().front().tape();
    std::vector<Segments> all;
    for (std::size_t i = 0; i < states.size(); ++i) {
        std::vector<NodeIndex> nodes;
        for (std::size_t part : parts) nodes.push_back(states[i][part].index());
        if (i + 1 < states.size()) require_distinct(nodes, i);
        if (i > 0) require_later(parts, nodes, all.back().nodes(), i);
        all.push_back(Segments::of(tape, nodes, batch));
    }
    return all;
}

template std::vector<Segments> segments_of(const States<float>&);
template std::vector<Segments> segments_of(const States<double>&);

}  // namespace tapeloop::detail
