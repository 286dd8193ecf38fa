#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/sweep/contributions.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
bool is_squash(const Tape<T>& tape, NodeIndex node) {
    const Description& operation = tape.node(node).operation->description();
    return operation.is_elementwise && operation.kind == OperationKind::activation && operation.limits.any();
}

/// Returns which of `count` blocks along the last axis a slice takes; none if it takes no whole block.
template <class T>
std::optional<std::size_t> block_of(Tape<T>& tape, NodeIndex slice, std::size_t count) {
    const Shape& part = tape.node(slice).shape;
    const Shape& packed = tape.node(tape.inputs(slice)[0]).shape;
    if (part.size() == 0 || part.rank() != packed.rank() || part.back() * count != packed.back()) return {};
    // Where the rule of the slice puts a cotangent shows where the slice begins.
    const Tensor<T> ones = xt::ones<T>(std::vector<std::size_t>(part.begin(), part.end()));
    const auto whole = detail::contributions_as_is<T>(tape, slice, [&](NodeIndex) { return &ones; });
    if (whole.empty()) return {};
    const Tensor<T>& placed = whole.front().cotangent;
    const auto* first = std::find(placed.data(), placed.data() + placed.size(), T(1));
    const auto column = static_cast<std::size_t>(first - placed.data()) % packed.back();
    return column % part.back() == 0 ? std::optional(column / part.back()) : std::nullopt;
}

/// The one block that everything sliced for this node is taken from, going back within its time step to other
/// gates.
template <class T>
std::optional<std::size_t> gate_of(Tape<T>& tape, NodeIndex node, std::size_t count) {
    std::set<std::size_t> blocks;
    std::vector<NodeIndex> open{tape.inputs(node)[0]};
    std::set<NodeIndex> seen;
    while (!open.empty()) {
        const NodeIndex at = open.back();
        open.pop_back();
        if (!seen.insert(at).second || is_squash(tape, at) || tape.node(at).label != tape.node(node).label)
            continue;
        if (tape.node(at).operation->description().kind != OperationKind::slice) {
            open.insert(open.end(), tape.inputs(at).begin(), tape.inputs(at).end());
        } else if (const auto block = block_of(tape, at, count); block.has_value()) {
            blocks.insert(*block);
        }
    }
    return blocks.size() == 1 ? std::optional(*blocks.begin()) : std::nullopt;
}

template <class T>
std::string gate_name(Tape<T>& tape, NodeIndex node, const std::vector<std::string>& gates) {
    const std::optional<std::size_t> gate = gates.empty() ? std::nullopt : gate_of(tape, node, gates.size());
    const std::string module = tape.module(node);
    const std::string path = module.empty() ? "" : module + "/";
    if (gate.has_value()) return path + gates[*gate];
    const CallSite& site = tape.node(node).site;
    return fmt::format("{}{} ({}:{})", path, tape.node(node).operation->name(),
                       std::filesystem::path(site.file_name()).filename().string(), site.line());
}

template <class T>
std::size_t count_saturated(const Array<T>& y, const Limits& limits) {
    const auto saturated = [&](T element) {
        const auto value = static_cast<double>(element);
        return value < limits.low + saturated_within || value > limits.high - saturated_within;
    };
    return static_cast<std::size_t>(std::count_if(y.data(), y.data() + y.shape().size(), saturated));
}

struct Count {
    std::size_t saturated = 0;
    std::size_t elements = 0;
};

/// A gate within one loop over time.
struct GateCount {
    std::string gate;
    std::string operation;
    std::size_t loop;
    std::vector<Count> steps = {};
};

std::vector<double> shares_of(const std::vector<Count>& steps) {
    std::vector<double> shares;
    for (const auto& [saturated, elements] : steps)
        shares.push_back(elements == 0 ? std::numeric_limits<double>::quiet_NaN()
                                       : static_cast<double>(saturated) / static_cast<double>(elements));
    return shares;
}

}  // namespace

template <class T>
std::vector<GateSaturation> gate_saturation(Tape<T>& tape, const std::vector<std::string>& gates) {
    const detail::TimeLoops times = detail::find_loops(tape);
    std::vector<GateCount> counts;
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        const std::optional<std::size_t> time_step = tape.time_step(node);
        if (!time_step.has_value() || !is_squash(tape, node) || tape.inputs(node).empty()) continue;
        const std::string operation(tape.node(node).operation->name());
        const std::string name = gate_name(tape, node, gates);
        const std::size_t loop = times.places.at(node).loop;
        auto one = std::find_if(counts.begin(), counts.end(), [&](const GateCount& other) {
            return other.loop == loop && other.gate == name && other.operation == operation;
        });
        if (one == counts.end()) one = counts.insert(one, {name, operation, loop});
        if (one->steps.size() <= *time_step) one->steps.resize(*time_step + 1);
        Count& count = one->steps[*time_step];
        count.saturated += count_saturated(tape.array(node), tape.node(node).operation->description().limits);
        count.elements += tape.node(node).shape.size();
    }
    std::vector<GateSaturation> found;
    std::map<std::pair<std::string, std::string>, std::size_t> loops;
    for (const GateCount& one : counts) {
        const std::size_t before = loops[{one.gate, one.operation}]++;
        found.push_back({one.gate + detail::loop_suffix(before), one.operation, shares_of(one.steps)});
    }
    return found;
}

template std::vector<GateSaturation> gate_saturation(Tape<float>&, const std::vector<std::string>&);
template std::vector<GateSaturation> gate_saturation(Tape<double>&, const std::vector<std::string>&);

}  // namespace tapeloop
