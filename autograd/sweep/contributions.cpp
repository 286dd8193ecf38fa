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
    const auto cotangent_at = [&](NodeIndex result) -> std::optional<Array<T>> {
        const Tensor<T>* cotangent = cotangent_of(result);
        if (cotangent == nullptr) return {};
        return Array<T>(tape.node(result).shape, cotangent->data());
    };
    const auto sweep = sweep_alone<Sweep<T>>(tape, *tape.node(node).operation, node, inputs, cotangent_at);
    std::vector<Contribution<T>> all;
    for (NodeIndex input : inputs)
        if (sweep.has(input)) all.push_back({input, sweep.cotangent(input).tensor()});
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
