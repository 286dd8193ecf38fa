#pragma once

#include <autograd/gradient.hpp>

#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop {

/// The kind of a node.
enum class NodeKind {
    parameter,  ///< a `Parameter`, once for all its uses
    constant,   ///< a value that was given, or computed while recording was paused
    operation,
    result,    ///< one of several results of the operation that is its only input
    detached,  ///< a value that `detach` cut off from what made it
};

/// `parameter`, `constant`, ...
/// Returns the enumerator's name, such as `parameter`.
std::string_view name_of(NodeKind kind);

/// A node of a tape, as it was when the tape was read.
struct GraphNode {
    NodeIndex index = 0;  ///< its place on the tape
    NodeKind kind = NodeKind::operation;
    std::string operation;  ///< `add`; an operation with several results has no value of its own
    std::string arguments;  ///< what it was called with besides its inputs: `axis 1`
    /// The description that the operation gives of itself; null in a graph that was not read from a tape.
    const Description* description = nullptr;
    std::string name;  ///< that `Var::named` gave, or the parameter's; else empty
    Shape shape;
    std::vector<NodeIndex> inputs;  ///< in their order, as often as they are used
    std::vector<NodeIndex> users;   ///< the nodes that have it among their inputs, each once, ascending
    std::optional<NodeIndex>
        detached_from;   ///< what `detach` was called with; not an input: no gradient passes
    std::string label;   ///< `encoder/t=3`
    std::string module;  ///< the label without time steps: `encoder`
    std::optional<std::size_t> time_step;  ///< never of a parameter, which all of them share
    std::string file;                      ///< of the user's source, without folders
    std::uint_least32_t line = 0;
    std::optional<Tensor<double>> value;      ///< if values were read
    std::optional<Tensor<double>> cotangent;  ///< if it was among the gradients given
};

/// A copy of what a tape recorded, to be looked at: nodes in the order of their execution, inputs before
/// users. It is a copy that outlives the tape. A slice is a `Graph` too and slices can be sliced again; its
/// nodes keep their indices, inputs and users, some of which then lie outside. Copies and slices share the
/// nodes.
///
///     const Graph graph = read_graph(tape);
///     for (const GraphNode& node : graph) ...
///     graph.labelled("encoder").time_steps(2, 4).ancestors(h.index())
class Graph {
  public:
    /// A forward iterator over the nodes, as in the standard containers.
    class Iterator {
      public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = GraphNode;
        using difference_type = std::ptrdiff_t;
        /// As in the standard containers.
        using pointer = const GraphNode*;
        /// As in the standard containers.
        using reference = const GraphNode&;

        Iterator() = default;
        /// Stands at place `place` of the graph's nodes.
        Iterator(const Graph& graph, std::size_t place) : graph_(&graph), place_(place) {}
        /// As in the standard containers.
        reference operator*() const { return (*graph_->nodes_)[graph_->members_[place_]]; }
        /// As in the standard containers.
        pointer operator->() const { return &**this; }
        /// As in the standard containers.
        Iterator& operator++() {
            ++place_;
            return *this;
        }
        Iterator operator++(int) {
            const Iterator before = *this;
            ++place_;
            return before;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.place_ == b.place_; }

      private:
        const Graph* graph_ = nullptr;
        std::size_t place_ = 0;
    };

    Graph() : Graph(std::vector<GraphNode>()) {}
    /// Makes a graph of nodes whose indices are 0, 1, ..., each behind its inputs; `users` are found from
    /// `inputs`. Throws `std::invalid_argument` when they are not.
    explicit Graph(std::vector<GraphNode> nodes);

    std::size_t size() const { return members_.size(); }
    bool empty() const { return members_.empty(); }
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, size()}; }
    /// Returns whether the node with this index belongs to the slice.
    bool contains(NodeIndex index) const;
    /// A node of the tape, also one that lies outside of this slice. Throws `std::invalid_argument` when the
    /// tape had no such node.
    const GraphNode& operator[](NodeIndex index) const;
    /// The nodes of that name: a `Var`'s or a parameter's.
    std::vector<NodeIndex> named(std::string_view name) const;
    /// The inputs of its nodes that are not in this slice, each once, ascending.
    std::vector<NodeIndex> outside() const;

    /// The slice of the nodes for which `wanted` is true.
    Graph select(const std::function<bool(const GraphNode&)>& wanted) const;
    /// The nodes under a label: `path` is one or more whole parts in a row of a node's label path or module,
    /// such as `encoder`, `encoder/t=3`, or `decoder/attention` of `decoder/t=3/attention`.
    Graph labelled(std::string_view path) const;
    /// The nodes of the time steps from `begin` to before `end`.
    Graph time_steps(std::size_t begin, std::size_t end) const;
    /// A node and all that it depends on, by ways within this graph. Throws `std::invalid_argument` when the
    /// node is not in it.
    Graph ancestors(NodeIndex index) const;
    /// A node and all that depends on it, in the same sense.
    Graph descendants(NodeIndex index) const;

  private:
    Graph(const Graph& whole, std::vector<NodeIndex> members)
        : nodes_(whole.nodes_), members_(std::move(members)) {}
    void require_member(std::string_view function, NodeIndex index) const;

    std::shared_ptr<const std::vector<GraphNode>> nodes_;  ///< of the whole tape
    std::vector<NodeIndex> members_;                       ///< ascending
};

/// Options of `read_graph`.
struct ReadOptions {
    /// Copy the value of every node.
    bool values = false;
};

/// Copies what a tape has recorded so far. Takes time and memory in proportion to its nodes, and changes
/// nothing on the tape.
Graph read_graph(const Tape<float>& tape, const ReadOptions& options = {});
Graph read_graph(const Tape<double>& tape, const ReadOptions& options = {});
/// Reads a tape with the cotangents of what `gradients` has: those of all nodes are `gradient(J,
/// every_node(tape))`. Throws `std::logic_error` when one belongs to a `Var` of another tape.
Graph read_graph(const Tape<float>& tape, const Gradients<float>& gradients, const ReadOptions& options = {});
Graph read_graph(const Tape<double>& tape, const Gradients<double>& gradients,
                 const ReadOptions& options = {});

}  // namespace tapeloop
