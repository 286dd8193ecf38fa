#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

namespace tapeloop {

template <class T>
std::vector<Contribution<T>> detail::contributions_as_is(Tape<T>& tape, Index node,
                                                         const CotangentOf<T>& cotangent_of,
                                                         const std::vector<Index>& wanted) {
    std::vector<Index> inputs;
    for (Index input : detail::distinct_inputs(tape, node))
        if (wanted.empty() || std::find(wanted.begin(), wanted.end(), input) != wanted.end())
            inputs.push_back(input);
    const std::vector<Index> results = detail::results_of(tape, node);
    const bool arrives = std::any_of(results.begin(), results.end(),
                                     [&](Index result) { return cotangent_of(result) != nullptr; });
    // One of several results owes its cotangent to the operation in front of it.
    if (inputs.empty() || !arrives || tape.node(node).results == result_mark) return {};
    const auto cotangent_at = [&](Index result) -> std::optional<Array<T>> {
        const Tensor<T>* cotangent = cotangent_of(result);
        if (cotangent == nullptr) return {};
        return Array<T>(tape.node(result).shape, cotangent->data());
    };
    const auto sweep =
        detail::sweep_alone<Sweep<T>>(tape, *tape.node(node).operation, node, inputs, cotangent_at);
    std::vector<Contribution<T>> all;
    for (Index input : inputs)
        if (sweep.has(input)) all.push_back({input, sweep.cotangent(input).tensor()});
    return all;
}

template <class T>
std::vector<Contribution<T>> contributions(Tape<T>& tape, Index node, const CotangentOf<T>& cotangent_of,
                                           const std::vector<Index>& wanted) {
    tape.require_unchanged_parameters();
    return detail::contributions_as_is(tape, node, cotangent_of, wanted);
}

template std::vector<Contribution<float>> detail::contributions_as_is(Tape<float>&, Index,
                                                                      const CotangentOf<float>&,
                                                                      const std::vector<Index>&);
template std::vector<Contribution<double>> detail::contributions_as_is(Tape<double>&, Index,
                                                                       const CotangentOf<double>&,
                                                                       const std::vector<Index>&);

template std::vector<Contribution<float>> contributions(Tape<float>&, Index, const CotangentOf<float>&,
                                                        const std::vector<Index>&);
template std::vector<Contribution<double>> contributions(Tape<double>&, Index, const CotangentOf<double>&,
                                                         const std::vector<Index>&);

}  // namespace tapeloop
