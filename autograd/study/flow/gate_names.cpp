#include <autograd/study/flow/gate_names.hpp>
#include <autograd/sweep/contributions.hpp>

#include <algorithm>
#include <set>

namespace tapeloop::detail {
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
    const auto whole = contributions_as_is<T>(tape, slice, [&](NodeIndex) { return &ones; });
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

}  // namespace

template <class T>
bool is_squash_of_step(const Tape<T>& tape, NodeIndex node) {
    return tape.time_step(node).has_value() && is_squash(tape, node) && !tape.inputs(node).empty();
}

template <class T>
std::optional<std::string> gate_name(Tape<T>& tape, NodeIndex node, const std::vector<std::string>& gates) {
    const std::optional<std::size_t> gate = gates.empty() ? std::nullopt : gate_of(tape, node, gates.size());
    return gate.has_value() ? std::optional(gates[*gate]) : std::nullopt;
}

template bool is_squash_of_step(const Tape<float>&, NodeIndex);
template bool is_squash_of_step(const Tape<double>&, NodeIndex);
template std::optional<std::string> gate_name(Tape<float>&, NodeIndex, const std::vector<std::string>&);
template std::optional<std::string> gate_name(Tape<double>&, NodeIndex, const std::vector<std::string>&);

}  // namespace tapeloop::detail
