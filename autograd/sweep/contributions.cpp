#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

namespace tapeloop::detail {

template <class T>
std::vector<Contribution<T>> contributions_as_is(Tape<T>& tape, NodeIndex node,
                                                 const CotangentOf<T>& cotangent_of,
                                                 const std::vector<NodeIndex>& wanted) {
    std::vector<NodeIndex> inputs;
    for (NodeIndex input : distinct_inputs(tape, node))
        if (wanted.empty() || std::find(wanted.begin(), wanted.end(), input) != wanted.end())
            inputs.push_back(input);
    const std::vector<NodeIndex> results = results_of(tape, node);
    const bool arrives = std::any_of(results.begin(), results.end(),
                                     [&](NodeIndex result) { return cotangent_of(result) != nullptr; });
    // One of several results owes its cotangent to the operation in front of it.
    if (inputs.empty() || !arrives || tape.node(node).results == result_mark) return {};
    // Each has its place, so that a part of something large takes no room for the whole.
    std::vector<Contribution<T>> all;
    for (NodeIndex input : inputs) all.push_back({input, uninitialised<T>(tape.node(input).shape)});
    Sweep<T> sweep(tape, Reach<T>(node, node + result_count(tape, node), inputs));
    for (Contribution<T>& one : all) sweep.ask(one.input, one.cotangent);
    for (NodeIndex result : results)
        if (const Tensor<T>* cotangent = cotangent_of(result); cotangent != nullptr)
            sweep.deliver(node, result, Array<T>(tape.node(result).shape, cotangent->data()));
    tape.node(node).operation->pull(sweep, node);
    for (NodeIndex input : inputs) sweep.settle(input);
    std::erase_if(all, [&](const Contribution<T>& one) { return !sweep.has(one.input); });
    return all;
}

template <class T>
std::vector<Contribution<T>> contributions(Tape<T>& tape, NodeIndex node, const CotangentOf<T>& cotangent_of,
                                           const std::vector<NodeIndex>& wanted) {
    tape.require_unchanged_parameters();
    return contributions_as_is(tape, node, cotangent_of, wanted);
}

template std::vector<Contribution<float>> contributions_as_is(Tape<float>&, NodeIndex,
                                                              const CotangentOf<float>&,
                                                              const std::vector<NodeIndex>&);
template std::vector<Contribution<double>> contributions_as_is(Tape<double>&, NodeIndex,
                                                               const CotangentOf<double>&,
                                                               const std::vector<NodeIndex>&);

template std::vector<Contribution<float>> contributions(Tape<float>&, NodeIndex, const CotangentOf<float>&,
                                                        const std::vector<NodeIndex>&);
template std::vector<Contribution<double>> contributions(Tape<double>&, NodeIndex, const CotangentOf<double>&,
                                                         const std::vector<NodeIndex>&);

}  // namespace tapeloop::detail
