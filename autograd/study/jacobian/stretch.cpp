#include <autograd/study/jacobian/stretch.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tapeloop::detail {
namespace {

template <class T>
void add_to(ArrivedCotangents<T>& all, Contribution<T>&& more) {
    const auto [place, is_first] = all.try_emplace(more.input);
    Tensor<T>& sum = place->second;
    if (is_first) {
        sum = std::move(more.cotangent);
        return;
    }
    for (std::size_t i = 0; i < sum.size(); ++i) sum.data()[i] += more.cotangent.data()[i];
}

}  // namespace

template <class T>
Stretch<T>::Stretch(Tape<T>& tape, const std::vector<NodeIndex>& front, const std::vector<NodeIndex>& behind)
    : tape_(tape), front_(front) {
    const NodeIndex first = *std::min_element(front.begin(), front.end());
    const NodeIndex last = std::max(first, *std::max_element(behind.begin(), behind.end()));
    // Forward: what depends on a node in front. Backward: what one behind depends on.
    std::vector<std::uint8_t> reached(last - first + 1, 0);
    std::vector<std::uint8_t> needed(last - first + 1, 0);
    for (NodeIndex node = first; node <= last; ++node) {
        reached[node - first] = is_in_front(node) ? 1 : 0;
        for (NodeIndex input : tape.inputs(node))
            if (input >= first) reached[node - first] |= reached[input - first];
    }
    for (NodeIndex node : behind)
        if (node >= first) needed[node - first] = 1;
    for (NodeIndex node = last + 1; node-- > first;) {
        if (needed[node - first] == 0 || reached[node - first] == 0 || is_in_front(node)) continue;
        Step step{node, {}};
        for (NodeIndex input : distinct_inputs(tape, node))
            if (input >= first && reached[input - first] != 0) {
                needed[input - first] = 1;
                step.inputs.push_back(input);
            }
        // One of several results owes its cotangent to the operation in front of it.
        if (tape.node(node).results != result_mark) steps_.push_back(std::move(step));
    }
    std::reverse(steps_.begin(), steps_.end());
}

template <class T>
bool Stretch<T>::is_in_front(NodeIndex node) const {
    return std::find(front_.begin(), front_.end(), node) != front_.end();
}

template <class T>
ArrivedCotangents<T> Stretch<T>::pull(ArrivedCotangents<T> given,
                                      const std::unordered_map<NodeIndex, NodeIndex>& cut) const {
    const CotangentOf<T> cotangent_of = [&](NodeIndex node) -> const Tensor<T>* {
        const auto found = given.find(node);
        return found == given.end() || is_in_front(node) ? nullptr : &found->second;
    };
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
        std::vector<NodeIndex> wanted = step->inputs;
        if (const auto at = cut.find(step->node); at != cut.end()) std::erase(wanted, at->second);
        if (wanted.empty()) continue;
        for (auto& one : contributions(tape_, step->node, cotangent_of, wanted))
            add_to(given, std::move(one));
        for (NodeIndex result : results_of(tape_, step->node))
            if (!is_in_front(result) && !cut.contains(result)) given.erase(result);
    }
    return given;
}

template class Stretch<float>;
template class Stretch<double>;

}  // namespace tapeloop::detail
