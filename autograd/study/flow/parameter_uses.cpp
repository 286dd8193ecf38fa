#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
bool reads(const Tape<T>& tape, NodeIndex node, NodeIndex input) {
    const auto inputs = tape.inputs(node);
    return std::find(inputs.begin(), inputs.end(), input) != inputs.end();
}

/// Adds the elements of `more`, or takes them if nothing was there.
template <class T>
void add_to(std::optional<Tensor<double>>& sum, const Tensor<T>& more) {
    if (!sum.has_value()) {
        sum = detail::as_double(more);
        return;
    }
    for (std::size_t i = 0; i < more.size(); ++i) sum->data()[i] += static_cast<double>(more.data()[i]);
}

}  // namespace

std::string ParameterUse::label() const {
    return time_step.has_value() ? fmt::format("t={}{}", *time_step, detail::loop_suffix(loop))
                                 : descriptions.front();
}

namespace detail {

template <class T>
ParameterUses<T>::ParameterUses(Tape<T>& tape, const Parameter<T>& parameter) : tape_(tape) {
    std::map<std::size_t, std::map<std::size_t, ParameterUse>> loops;
    std::vector<ParameterUse> others;
    if (const NodeIndex* leaf = tape.find(parameter.storage().get())) {
        leaf_ = *leaf;
        const TimeLoops times = find_loops(tape);
        for (NodeIndex node = leaf_ + 1; node < tape.size(); ++node) {
            if (!reads(tape, node, leaf_)) continue;
            const auto step = tape.time_step(node);
            ParameterUse& use =
                step.has_value() ? loops[times.places.at(node).loop][*step] : others.emplace_back();
            use.time_step = step;
            use.nodes.push_back(node);
            use.descriptions.push_back(tape.describe(node));
        }
    }
    std::size_t loop = 0;
    for (auto& [found, steps] : loops) {
        for (auto& [step, use] : steps) uses_.emplace_back(std::move(use)).loop = loop;
        ++loop;
    }
    uses_.insert(uses_.end(), others.begin(), others.end());
}

template <class T>
std::vector<std::optional<Tensor<double>>> ParameterUses<T>::summands(
    const std::vector<GradientRoot<T>>& roots) const {
    NodeIndex last = 0;
    for (const GradientRoot<T>& root : roots) last = std::max(last, root.value.index());
    std::vector<Wrt<T>> results;
    for (const ParameterUse& use : uses_)
        for (NodeIndex node : use.nodes)
            for (NodeIndex result : results_of(tape_, node))
                if (result <= last) results.emplace_back(tape_.var(result));
    const Gradients<T> cotangents = gradient(roots, WrtList<T>(results));

    // Zeros contribute zeros; without them, the time steps behind a loss take no time.
    std::unordered_map<NodeIndex, const Tensor<T>*> arrived;
    for (std::size_t i = 0; i < results.size(); ++i)
        if (!is_zero(cotangents.at(i))) arrived.emplace(results[i].var().index(), &cotangents.at(i));
    const CotangentOf<T> cotangent_of = [&](NodeIndex node) {
        const auto found = arrived.find(node);
        return found == arrived.end() ? nullptr : found->second;
    };
    std::vector<std::optional<Tensor<double>>> summands(uses_.size());
    for (std::size_t k = 0; k < uses_.size(); ++k)
        for (NodeIndex node : uses_[k].nodes)
            for (const auto& one : tapeloop::detail::contributions(tape_, node, cotangent_of, {leaf_}))
                add_to(summands[k], one.cotangent);
    return summands;
}

template class ParameterUses<float>;
template class ParameterUses<double>;

}  // namespace detail

}  // namespace tapeloop
