#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/locate/evidence.hpp>
#include <autograd/record/observer.hpp>

/// This file records what the rules between an input and the result deliver.
namespace tapeloop::detail {

/// An operation and one of its arguments, with what its rules delivered.
struct Edge {
    NodeIndex from;
    NodeIndex to;
    NodeIndex results;  ///< how many nodes behind `to` are its results; 0 if it is its own
    std::size_t
        recorded;  ///< as which one of all nodes that were recorded `to` was, those taken back included
    FaultyRule rule;
    Shape shape;
    std::vector<double> values;  ///< of the argument
    std::vector<Evidence::Result> result_shapes;
    std::vector<double> cotangent;
    std::vector<double> delivered;
};

/// Notes the place of each node of a subject's run among all that were recorded: a node that is taken back is
/// recorded again under the same index.
template <class T>
class NodeCounter final : public TapeObserver<T> {
  public:
    explicit NodeCounter(const Subject<T>& subject) : subject_(subject) {}

    void appended(Tape<T>& tape, NodeIndex node) override {
        if (&tape != subject_.tape()) return;
        recorded_.resize(std::max<std::size_t>(recorded_.size(), node + 1));
        recorded_[node] = ++count_;
    }
    std::size_t operator[](NodeIndex node) const { return recorded_[node]; }

  private:
    const Subject<T>& subject_;
    std::size_t count_ = 0;
    std::vector<std::size_t> recorded_;
};

/// Names a node's rule for one of its arguments.
template <class T>
FaultyRule rule_of(const Tape<T>& tape, NodeIndex node, std::size_t argument);

/// The edges on the way from an input to the result, in the order of the sweep.
struct RecordedEdges {
    std::vector<Edge> edges;
    /// The first `detach` of something that depends on the input, as text; empty if there is none.
    std::string detached = {};
};

/// Records those of the input `input`; nothing if they are too many.
template <class T>
std::optional<RecordedEdges> record_edges(Subject<T>& subject, std::span<const double> cotangent,
                                          std::size_t input);

#define TAPELOOP_EDGES(T)                                                                           \
    extern template FaultyRule rule_of(const Tape<T>&, NodeIndex, std::size_t);                     \
    extern template std::optional<RecordedEdges> record_edges(Subject<T>&, std::span<const double>, \
                                                              std::size_t);

TAPELOOP_EDGES(float)
TAPELOOP_EDGES(double)

#undef TAPELOOP_EDGES

}  // namespace tapeloop::detail
