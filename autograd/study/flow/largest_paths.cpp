#include <autograd/study/flow/largest_paths.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>

namespace tapeloop::detail {

template <class T>
LargestPaths<T>::LargestPaths(Tape<T>& tape, NodeIndex J, const Cotangents<T>& cotangents)
    : J_(J), cotangents_(cotangents), ways_(J + 1), offers_(J + 1) {
    ways_[J].is_reached = true;
    for (NodeIndex node = J + 1; node-- > 0;)
        if (ways_[node].is_reached) extend(tape, node);
}

template <class T>
void LargestPaths<T>::extend(Tape<T>& tape, NodeIndex node) {
    const std::vector<NodeIndex> inputs = distinct_inputs(tape, node);
    if (inputs.empty()) return;
    const double in = cotangents_.rms(node);
    if (tape.node(node).results == result_mark)  // its operation gets all of it
        return offer(node, inputs.front(), in);
    std::vector<double> outs(inputs.size(), 0);
    if (in != 0) {
        const auto cotangent_of = [this](NodeIndex result) { return cotangents_.at(result); };
        for (const Contribution<T>& part : contributions<T>(tape, node, cotangent_of)) {
            const auto place = std::find(inputs.begin(), inputs.end(), part.input) - inputs.begin();
            outs[static_cast<std::size_t>(place)] = rms(part.cotangent.data(), part.cotangent.size());
        }
    }
    for (std::size_t k = 0; k < inputs.size(); ++k) offer(node, inputs[k], outs[k]);
}

template <class T>
void LargestPaths<T>::offer(NodeIndex node, NodeIndex input, double out) {
    offers_[input].push_back({node, out});
    const double weight = ways_[node].weight + weight_of_factor(cotangents_.rms(node), out);
    Way& way = ways_[input];
    if (!way.is_reached || weight > way.weight) way = {true, weight, node, out};
}

/// The last step is chosen as `largest_path` does.
template <class T>
typename LargestPaths<T>::Offer LargestPaths<T>::last_step_to(NodeIndex of) const {
    std::vector<Offer> offers = offers_[of];
    const auto end = best_users_first(offers.begin(), offers.end(), [this](const Offer& one) {
        return std::pair(cotangents_.rms(one.user) > 0, ways_[one.user].weight);
    });
    const auto weight = [this](const Offer& one) {
        return ways_[one.user].weight + weight_of_factor(cotangents_.rms(one.user), one.out);
    };
    return *std::max_element(offers.begin(), end,
                             [&](const Offer& a, const Offer& b) { return weight(a) < weight(b); });
}

template <class T>
std::vector<Hop> LargestPaths<T>::to(NodeIndex of) const {
    if (of == J_ || !reaches(of)) return {};
    std::vector<Hop> hops;
    const Offer last = last_step_to(of);
    hops.push_back({last.user, of, cotangents_.rms(last.user), last.out, cotangents_.rms(of)});
    for (NodeIndex node = last.user; node != J_; node = ways_[node].from)
        hops.push_back({ways_[node].from, node, cotangents_.rms(ways_[node].from), ways_[node].out,
                        cotangents_.rms(node)});
    std::reverse(hops.begin(), hops.end());
    return hops;
}

template <class T>
std::optional<NodeIndex> LargestPaths<T>::from(NodeIndex node) const {
    return node == J_ || !reaches(node) ? std::nullopt : std::optional(ways_[node].from);
}

template class LargestPaths<float>;
template class LargestPaths<double>;

}  // namespace tapeloop::detail
