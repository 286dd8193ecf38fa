#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/gradient_path.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace tapeloop::detail {
namespace {

template <class T>
WrtList<T> nodes_up_to(Tape<T>& tape, NodeIndex last, std::vector<std::size_t>& places) {
    std::vector<Wrt<T>> nodes;
    for (NodeIndex node = 0; node <= last; ++node) {
        if (tape.node(node).data == nullptr) continue;
        places[node] = nodes.size();
        nodes.emplace_back(tape.var(node));
    }
    return nodes;
}

/// The search, from the last node to the first: the best way from J to each node, through nodes that depend
/// on `of`.
template <class T>
class Search {
  public:
    Search(Tape<T>& tape, NodeIndex J, NodeIndex of, const Cotangents<T>& cotangents)
        : tape_(tape), J_(J), of_(of), cotangents_(cotangents), leads_(dependents(tape, of)), ways_(J + 1) {}

    std::vector<Hop> path() {
        if (J_ < of_ || !leads_[J_]) return {};
        ways_[J_].reached = true;
        for (NodeIndex node = J_; node > of_; --node)
            if (leads_[node] && ways_[node].reached) extend(node);
        arrive();
        std::vector<Hop> hops;
        for (NodeIndex node = of_; node != J_; node = ways_[node].from)
            hops.push_back({ways_[node].from, node, cotangents_.rms(ways_[node].from), ways_[node].out,
                            cotangents_.rms(node)});
        std::reverse(hops.begin(), hops.end());
        return hops;
    }

  private:
    struct Way {
        bool reached = false;
        double weight = 0;
        NodeIndex from = 0;
        double out = 0;
    };

    void extend(NodeIndex node) {
        std::vector<NodeIndex> inputs = distinct_inputs(tape_, node);
        std::erase_if(inputs, [this](NodeIndex input) { return !leads_[input]; });
        if (std::erase(inputs, of_) != 0) users_.push_back(node);
        if (!inputs.empty()) extend(node, inputs);
    }

    void extend(NodeIndex node, const std::vector<NodeIndex>& inputs) {
        const double in = cotangents_.rms(node);
        if (tape_.node(node).results == result_mark)  // its operation gets all of it
            return offer(node, inputs.front(), in, in);
        std::vector<double> outs(inputs.size(), 0);
        if (in != 0) {
            const auto cotangent_of = [this](NodeIndex result) { return cotangents_.at(result); };
            for (const Contribution<T>& part : contributions<T>(tape_, node, cotangent_of, inputs)) {
                const auto place = std::find(inputs.begin(), inputs.end(), part.input) - inputs.begin();
                outs[static_cast<std::size_t>(place)] = rms(part.cotangent.data(), part.cotangent.size());
            }
        }
        for (std::size_t k = 0; k < inputs.size(); ++k) offer(node, inputs[k], in, outs[k]);
    }

    /// The last step, from those users of `of` that are best without it.
    void arrive() {
        const auto middle = best_users_first(users_.begin(), users_.end(), [this](NodeIndex user) {
            return std::pair(cotangents_.rms(user) > 0, ways_[user].weight);
        });
        for (auto user = users_.begin(); user != middle; ++user) extend(*user, {of_});
    }

    void offer(NodeIndex node, NodeIndex input, double in, double out) {
        const double weight = ways_[node].weight + weight_of_factor(in, out);
        Way& way = ways_[input];
        if (!way.reached || weight > way.weight) way = {true, weight, node, out};
    }

    Tape<T>& tape_;
    NodeIndex J_;
    NodeIndex of_;
    const Cotangents<T>& cotangents_;
    std::vector<bool> leads_;
    std::vector<Way> ways_;
    std::vector<NodeIndex> users_;  ///< of `of`
};

}  // namespace

double weight_of_factor(double in, double out) {
    // Far below the logarithm of any factor, far above it where a factor is no number.
    constexpr double end_of_path = -1e4;
    if (!std::isfinite(in) || !std::isfinite(out)) return -end_of_path;
    if (in == 0) return 0;
    return out == 0 ? end_of_path : std::log10(out / in);
}

template <class T>
double rms(const T* elements, std::size_t count) {
    return count == 0 ? 0 : norm_of(elements, count) / std::sqrt(static_cast<double>(count));
}

template <class T>
Cotangents<T>::Cotangents(const Var<T>& J)
    : gradients_({}, {}), places_(J.index() + 1, none), rms_(J.index() + 1, 0) {
    Tape<T>& tape = J.tape();
    gradients_ = gradient(J, nodes_up_to(tape, J.index(), places_));
    for (NodeIndex node = 0; node <= J.index(); ++node) {
        if (places_[node] != none) {
            const Tensor<T>& cotangent = gradients_.at(places_[node]);
            rms_[node] = detail::rms(cotangent.data(), cotangent.size());
        }
    }
    // The results of an operation with several stand behind it.
    for (NodeIndex node = 0; node <= J.index(); ++node)
        if (places_[node] == none) rms_[node] = joint_rms(tape, node);
}

template <class T>
double Cotangents<T>::joint_rms(const Tape<T>& tape, NodeIndex node) const {
    double squares = 0;
    double count = 0;
    for (NodeIndex result : results_of(tape, node)) {
        const auto size = static_cast<double>(tape.node(result).shape.size());
        count += size;
        if (result < rms_.size() && places_[result] != none) squares += size * rms_[result] * rms_[result];
    }
    return count == 0 ? 0 : std::sqrt(squares / count);
}

template <class T>
const Tensor<T>* Cotangents<T>::at(NodeIndex node) const {
    if (node >= places_.size() || places_[node] == none || rms_[node] == 0) return nullptr;
    return &gradients_.at(places_[node]);
}

template <class T>
std::vector<bool> dependents(const Tape<T>& tape, NodeIndex of) {
    std::vector<bool> depends(tape.size(), false);
    depends[of] = true;
    for (NodeIndex node = of + 1; node < tape.size(); ++node) {
        const auto inputs = tape.inputs(node);
        depends[node] =
            std::any_of(inputs.begin(), inputs.end(), [&](NodeIndex input) { return depends[input]; });
    }
    return depends;
}

template <class T>
std::vector<Hop> largest_path(Tape<T>& tape, NodeIndex J, NodeIndex of, const Cotangents<T>& cotangents) {
    return Search<T>(tape, J, of, cotangents).path();
}

template double rms(const float*, std::size_t);
template double rms(const double*, std::size_t);
template class Cotangents<float>;
template class Cotangents<double>;
template std::vector<bool> dependents(const Tape<float>&, NodeIndex);
template std::vector<bool> dependents(const Tape<double>&, NodeIndex);
template std::vector<Hop> largest_path(Tape<float>&, NodeIndex, NodeIndex, const Cotangents<float>&);
template std::vector<Hop> largest_path(Tape<double>&, NodeIndex, NodeIndex, const Cotangents<double>&);

}  // namespace tapeloop::detail
