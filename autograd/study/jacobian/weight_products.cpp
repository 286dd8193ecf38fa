#include <autograd/study/jacobian/weight_products.hpp>

#include <algorithm>
#include <unordered_set>

namespace tapeloop::detail {
namespace {

/// Returns whether `matrix`, a factor of `product`, is made of parameters, at least one, and constants: a
/// weight, also one that was masked or transposed before it was used. What other time steps computed comes of
/// the data.
template <class T>
bool is_weight(const Tape<T>& tape, NodeIndex matrix, NodeIndex product) {
    bool has_parameter = false;
    std::vector<NodeIndex> open{matrix};
    std::unordered_set<NodeIndex> seen;
    while (!open.empty()) {
        const NodeIndex node = open.back();
        open.pop_back();
        if (!seen.insert(node).second) continue;
        const auto inputs = tape.inputs(node);
        const auto step = tape.time_step(node);
        if (!inputs.empty() && step.has_value() && step != tape.time_step(product)) return false;
        has_parameter = has_parameter || tape.parameter(node) != nullptr;
        open.insert(open.end(), inputs.begin(), inputs.end());
    }
    return has_parameter;
}

bool contains(const std::vector<NodeIndex>& list, NodeIndex node) {
    return std::find(list.begin(), list.end(), node) != list.end();
}

}  // namespace

template <class T>
std::vector<WeightProduct> weight_products(const Tape<T>& tape, const Stretch<T>& stretch,
                                           std::size_t batch) {
    std::vector<WeightProduct> products;
    for (const auto& step : stretch.steps()) {
        const Shape& shape = tape.node(step.node).shape;
        const OperationKind kind = tape.node(step.node).operation->description().kind;
        if (kind != OperationKind::product || shape.rank() != 2 || shape[0] != batch) continue;
        const auto inputs = tape.inputs(step.node);
        const NodeIndex factor = inputs[0];
        if (tape.node(factor).shape.rank() == 2 && contains(step.inputs, factor) &&
            !contains(step.inputs, inputs[1]) && is_weight(tape, inputs[1], step.node))
            products.push_back({step.node, factor});
    }
    return products;
}

template std::vector<WeightProduct> weight_products(const Tape<float>&, const Stretch<float>&, std::size_t);
template std::vector<WeightProduct> weight_products(const Tape<double>&, const Stretch<double>&, std::size_t);

}  // namespace tapeloop::detail
