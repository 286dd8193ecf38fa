#include <fmt/format.h>
#include <autograd/study/explain/closed_ways.hpp>
#include <autograd/sweep/contributions.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_set>

namespace tapeloop::detail {
namespace {

// A gate is closed where it lets less than this through.
constexpr double closed_below = 0.1;
constexpr std::size_t most_ways = 3;

/// The gate that `node` multiplies `state` by; none if it does not.
template <class T>
std::optional<NodeIndex> gate_beside(const Tape<T>& tape, NodeIndex node, NodeIndex state) {
    const Description& own = tape.node(node).operation->description();
    const auto inputs = tape.inputs(node);
    if (own.kind != OperationKind::factor || inputs.size() != 2) return {};
    if (inputs[0] != state && inputs[1] != state) return {};
    const NodeIndex other = inputs[0] == state ? inputs[1] : inputs[0];
    return tape.node(other).operation->description().is_gate ? std::optional(other) : std::nullopt;
}

}  // namespace

template <class T>
std::vector<ClosedWay> find_closed_ways(Tape<T>& tape, NodeIndex J, const Cotangents<T>& cotangents) {
    std::vector<ClosedWay> ways;
    for (NodeIndex node = 0; node <= J; ++node) {
        const std::optional<std::size_t> time = tape.time_step(node);
        if (!time.has_value() || cotangents.at(node) == nullptr) continue;
        for (NodeIndex state : std::vector<NodeIndex>(tape.inputs(node).begin(), tape.inputs(node).end())) {
            // From one step to another alone: within a step nothing else is a way through time.
            if (tape.time_step(state) == time) continue;
            const std::optional<NodeIndex> gate = gate_beside(tape, node, state);
            if (!gate.has_value()) continue;
            const auto cotangent_of = [&](NodeIndex result) { return cotangents.at(result); };
            for (const auto& part : contributions<T>(tape, node, cotangent_of, {state})) {
                const double out = rms(part.cotangent.data(), part.cotangent.size());
                const double factor = out / cotangents.rms(node);
                if (factor < closed_below) ways.push_back({node, state, *gate, factor});
            }
        }
    }
    return ways;
}

template <class T>
std::vector<Culprit> closed_ways(const Tape<T>& tape, const std::vector<PathStep>& path,
                                 const std::vector<ClosedWay>& ways) {
    if (path.empty() || ways.empty()) return {};
    std::unordered_set<NodeIndex> on_path;
    std::unordered_set<NodeIndex> passed;
    for (const PathStep& step : path) {
        passed.insert(step.node);
        on_path.insert(step.input);
    }
    std::vector<ClosedWay> beside;
    std::copy_if(ways.begin(), ways.end(), std::back_inserter(beside), [&](const ClosedWay& way) {
        return on_path.contains(way.state) && !passed.contains(way.node);
    });
    std::stable_sort(beside.begin(), beside.end(),
                     [](const ClosedWay& a, const ClosedWay& b) { return a.factor < b.factor; });
    std::vector<Culprit> found;
    for (std::size_t k = 0; k < std::min(most_ways, beside.size()); ++k) {
        const ClosedWay& way = beside[k];
        const std::size_t left = k + 1 == most_ways ? beside.size() - most_ways : 0;
        found.push_back({Cause::closed_gate, way.node,
                         fmt::format("closed gate: beside the path, {} lets {:.1g} of the state's gradient "
                                     "through; its gate is {}{}",
                                     tape.describe(way.node), way.factor, tape.describe(way.gate),
                                     left == 0 ? "" : fmt::format("; and {} more", left)),
                         0, 1, Culprit::Place::beside});
    }
    return found;
}

template std::vector<ClosedWay> find_closed_ways(Tape<float>&, NodeIndex, const Cotangents<float>&);
template std::vector<ClosedWay> find_closed_ways(Tape<double>&, NodeIndex, const Cotangents<double>&);
template std::vector<Culprit> closed_ways(const Tape<float>&, const std::vector<PathStep>&,
                                          const std::vector<ClosedWay>&);
template std::vector<Culprit> closed_ways(const Tape<double>&, const std::vector<PathStep>&,
                                          const std::vector<ClosedWay>&);

}  // namespace tapeloop::detail
