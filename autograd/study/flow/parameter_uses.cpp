#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/sweep/local_sweep.hpp>
#include <autograd/sweep/request.hpp>

#include <algorithm>
#include <map>
#include <type_traits>
#include <unordered_map>
#include <utility>

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
void add_in_double(std::optional<Tensor<double>>& sum, Tensor<T>&& more) {
    if (sum.has_value()) {
        for (std::size_t i = 0; i < more.size(); ++i) sum->data()[i] += static_cast<double>(more.data()[i]);
    } else if constexpr (std::is_same_v<T, double>) {
        sum = std::move(more);
    } else {
        sum = detail::as_double(more);
    }
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
    std::vector<Wrt<T>> users;
    std::unordered_map<NodeIndex, std::size_t> use_of;
    for (std::size_t k = 0; k < uses_.size(); ++k)
        for (NodeIndex node : uses_[k].nodes) {
            use_of.emplace(node, k);
            if (node <= last) users.emplace_back(tape_.var(node));
        }
    const Request<T> asked = request<T>(roots, WrtList<T>(std::move(users)));
    Sweep<T> sweep(tape_, asked.reach);
    Rollback<T> rollback(tape_);  // a rule of the user's may record
    for (const GradientRoot<T>& root : roots)
        if (const NodeIndex node = root.value.index(); sweep.wants(node))
            sweep.deliver(node, node, Array<T>(root.value.shape(), root.cotangent.data()));

    std::vector<std::optional<Tensor<double>>> summands(uses_.size());
    for (NodeIndex node = last + 1; node-- > asked.reach.first();) {
        if (!sweep.wants(node)) continue;
        sweep.settle(node);
        // Zeros contribute zeros; without them, the time steps behind a loss take no time.
        if (tape_.node(node).results == result_mark || !arrives(sweep, node)) continue;
        if (const auto use = use_of.find(node); use != use_of.end())
            add_in_double(summands[use->second], contribution_to_leaf(sweep, node));
        sweep.visit(node);
    }
    rollback.keep();
    return summands;
}

/// Returns whether a cotangent that is not zero has arrived at what a node computes.
template <class T>
bool ParameterUses<T>::arrives(const Sweep<T>& sweep, NodeIndex node) const {
    const NodeIndex count = result_count(tape_, node);
    for (NodeIndex result = node + (count == 0 ? 0 : 1); result <= node + count; ++result) {
        if (!sweep.has(result)) continue;
        const Array<T> cotangent = sweep.cotangent(result);
        if (std::any_of(cotangent.data(), cotangent.data() + cotangent.size(),
                        [](T element) { return element != T(0); }))
            return true;
    }
    return false;
}

/// Runs the rules of a use for the parameter alone.
template <class T>
Tensor<T> ParameterUses<T>::contribution_to_leaf(const Sweep<T>& sweep, NodeIndex node) const {
    Tensor<T> contribution = uninitialised<T>(tape_.node(leaf_).shape);
    Sweep<T> alone(tape_, Reach<T>(node, node + result_count(tape_, node), {leaf_}));
    alone.ask(leaf_, contribution);
    for (NodeIndex result : results_of(tape_, node))
        if (sweep.has(result)) alone.deliver(node, result, sweep.cotangent(result));
    tape_.node(node).operation->pull(alone, node);
    alone.settle(leaf_);
    if (!alone.has(leaf_)) contribution.fill(T(0));
    return contribution;
}

template class ParameterUses<float>;
template class ParameterUses<double>;

}  // namespace detail

}  // namespace tapeloop
