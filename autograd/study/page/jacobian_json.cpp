#include <autograd/study/jacobian/local_jacobian.hpp>
#include <autograd/study/page/jacobian_json.hpp>
#include <autograd/study/page/largest_within.hpp>
#include <autograd/study/page/tensor_json.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace tapeloop::detail {
namespace {

using nlohmann::json;

/// The views that can be shown of the Jacobian of a node by one of its inputs.
enum class JacobianPart {
    whole,   ///< all of it
    slopes,  ///< its diagonal, in the node's shape: of an elementwise operation there is nothing beside it
    row,     ///< d y[0, :] / d x[0, :], which in a batch is all of it for one row
    none,
};

bool have_same_rows(const Shape& a, const Shape& b) {
    return a.rank() > 0 && a.rank() == b.rank() && std::equal(a.begin(), a.end() - 1, b.begin());
}

/// `largest` is how many elements the sides of a matrix may have.
JacobianPart view_of(const GraphNode& node, const GraphNode& input, std::size_t largest) {
    const bool has_results = !node.value.has_value() || node.kind == NodeKind::result;
    if (has_results || !input.value.has_value()) return JacobianPart::none;
    if (std::max(node.shape.size(), input.shape.size()) <= largest) return JacobianPart::whole;
    if (node.description != nullptr && node.description->is_elementwise && node.shape == input.shape)
        return JacobianPart::slopes;
    const bool is_small =
        have_same_rows(node.shape, input.shape) && std::max(node.shape.back(), input.shape.back()) <= largest;
    return is_small && node.shape.size() > 0 ? JacobianPart::row : JacobianPart::none;
}

/// The text that a matrix takes.
std::size_t matrix_bytes(const GraphNode& node, const GraphNode& input, std::size_t largest) {
    switch (view_of(node, input, largest)) {
        case JacobianPart::whole:
            return node.shape.size() * input.shape.size() * 16 / 3;
        case JacobianPart::row:
            return std::size_t{node.shape.back()} * input.shape.back() * 16 / 3;
        default:
            return 0;
    }
}

template <class Bytes>
std::size_t sum_over_edges(const Graph& graph, const Bytes& bytes) {
    std::size_t sum = 0;
    for (const GraphNode& node : graph)
        for (NodeIndex input : node.inputs) sum += bytes(node, graph[input]);
    return sum;
}

std::size_t largest_matrix_within(const Graph& graph, std::size_t limit) {
    constexpr std::array<std::size_t, 5> sizes{64, 32, 16, 8, 4};
    return largest_within(sizes, limit, [&](std::size_t size) {
        return sum_over_edges(graph, [&](const GraphNode& node, const GraphNode& input) {
            return matrix_bytes(node, input, size);
        });
    });
}

std::size_t slope_grid_within(const Graph& graph, std::size_t largest, std::size_t limit) {
    constexpr std::array<std::size_t, 9> sizes{48, 40, 32, 24, 16, 12, 8, 6, 4};
    return largest_within(sizes, limit, [&](std::size_t size) {
        return sum_over_edges(graph, [&](const GraphNode& node, const GraphNode& input) {
            const bool has_slopes = view_of(node, input, largest) == JacobianPart::slopes;
            return has_slopes ? tensor_text_bytes(node.shape, size) : 0;
        });
    });
}

template <class T>
class JacobianWriter {
  public:
    JacobianWriter(Tape<T>& tape, const Graph& graph, std::size_t largest, std::size_t grid)
        : tape_(tape), graph_(graph), largest_(largest), grid_(grid) {}

    json list() {
        for (const GraphNode& node : graph_) {
            if (largest_ > 0) add_whole(node);
            if (grid_ > 0) add_slopes(node);
            if (largest_ > 0) add_rows(node);
        }
        return std::move(list_);
    }

  private:
    /// The distinct inputs by which that is shown.
    std::vector<NodeIndex> inputs_with(JacobianPart view, const GraphNode& node) const {
        std::vector<NodeIndex> inputs;
        for (NodeIndex input : node.inputs)
            if (view_of(node, graph_[input], largest_) == view &&
                std::find(inputs.begin(), inputs.end(), input) == inputs.end())
                inputs.push_back(input);
        return inputs;
    }
    void add(const GraphNode& node, NodeIndex input, std::string_view view, json tensor) {
        const auto argument = std::find(node.inputs.begin(), node.inputs.end(), input) - node.inputs.begin();
        list_.push_back(
            {{"node", node.index}, {"argument", argument}, {"view", view}, {"tensor", std::move(tensor)}});
    }
    std::vector<Contribution<T>> pulled(const GraphNode& node, const Tensor<T>& cotangent,
                                        const std::vector<NodeIndex>& inputs) {
        return contributions<T>(
            tape_, node.index, [&](NodeIndex) { return &cotangent; }, inputs);
    }

    void add_whole(const GraphNode& node) {
        for (const LocalJacobian& jacobian : local_jacobians(tape_, node.index, largest_))
            add(node, jacobian.input, "whole", sparse_tensor_json(jacobian.matrix, largest_));
    }
    void add_slopes(const GraphNode& node) {
        const std::vector<NodeIndex> inputs = inputs_with(JacobianPart::slopes, node);
        if (inputs.empty()) return;
        Tensor<T> ones = uninitialised<T>(node.shape);
        std::fill_n(ones.data(), ones.size(), T(1));
        for (const Contribution<T>& part : pulled(node, ones, inputs))
            add(node, part.input, "slopes", tensor_json(part.cotangent, grid_, TensorDetail::brief));
    }
    void add_rows(const GraphNode& node) {
        for (NodeIndex input : inputs_with(JacobianPart::row, node)) {
            const std::size_t width = graph_[input].shape.back();
            Tensor<double> matrix(xt::zeros<double>(std::vector<std::size_t>{node.shape.back(), width}));
            Tensor<T> one_hot = uninitialised<T>(node.shape);
            for (std::size_t column = 0; column < node.shape.back(); ++column) {
                std::fill_n(one_hot.data(), one_hot.size(), T(0));
                one_hot.data()[column] = 1;
                for (const Contribution<T>& part : pulled(node, one_hot, {input}))
                    std::copy_n(part.cotangent.data(), width, matrix.data() + column * width);
            }
            add(node, input, "row", sparse_tensor_json(matrix, largest_));
        }
    }

    Tape<T>& tape_;
    const Graph& graph_;
    std::size_t largest_;
    std::size_t grid_;
    json list_ = json::array();
};

}  // namespace

template <class T>
json jacobians_json(Tape<T>& tape, const Graph& graph, std::size_t bytes) {
    const std::size_t largest = largest_matrix_within(graph, bytes / 2);
    const std::size_t grid = slope_grid_within(graph, largest, bytes / 2);
    return {{"largest", largest}, {"list", JacobianWriter<T>(tape, graph, largest, grid).list()}};
}

template json jacobians_json(Tape<float>&, const Graph&, std::size_t);
template json jacobians_json(Tape<double>&, const Graph&, std::size_t);

}  // namespace tapeloop::detail
