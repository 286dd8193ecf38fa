#include <autograd/check/locate/edge.hpp>
#include <autograd/gradient.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <map>

namespace tapeloop::detail {
namespace {

// Larger graphs are not searched.
constexpr std::size_t most_edges = 4'000;
constexpr std::size_t most_kept = 20'000'000;

/// Notes every edge of a sweep, in the order of the sweep.
template <class T>
class EdgeRecorder final : public TapeObserver<T> {
  public:
    EdgeRecorder(const Tape<T>& tape, const NodeCounter<T>& counter,
                 const std::vector<GradientRoot<T>>& roots)
        : tape_(tape), counter_(counter) {
        // A root that is used by another operation as well has a cotangent from the start.
        for (const GradientRoot<T>& root : roots) {
            std::vector<double>& before = arrived_[root.value.index()];
            before.resize(root.cotangent.size(), 0);
            for (std::size_t i = 0; i < before.size(); ++i)
                before[i] += static_cast<double>(root.cotangent.data()[i]);
        }
    }

    void pulled(Sweep<T>& sweep, NodeIndex node) override {
        if (&sweep.tape() != &tape_ || kept_ > most_kept) return;
        const auto inputs = tape_.inputs(node);
        for (auto input = inputs.begin(); input != inputs.end(); ++input)
            if (sweep.wants(*input) && std::find(inputs.begin(), input, *input) == input &&
                tape_.node(*input).data != nullptr)
                note(sweep, *input, node, static_cast<std::size_t>(input - inputs.begin()));
    }

    bool is_complete() const { return kept_ <= most_kept && edges_.size() <= most_edges; }
    std::vector<Edge>& edges() { return edges_; }

  private:
    void note(Sweep<T>& sweep, NodeIndex from, NodeIndex to, std::size_t argument) {
        const Node<T>& node = tape_.node(to);
        Edge edge;
        edge.from = from;
        edge.to = to;
        edge.results = node.results == result_mark ? 0 : node.results;
        edge.recorded = counter_[to];
        edge.shape = tape_.node(from).shape;
        append(edge.values, tape_.array(from));
        edge.rule = rule_of(tape_, to, argument);
        const NodeIndex first = to + (edge.results == 0 ? 0 : 1);
        for (NodeIndex result = first; result <= to + edge.results; ++result) {
            const std::size_t size = tape_.node(result).shape.size();
            edge.result_shapes.push_back({tape_.node(result).shape, {}});
            if (sweep.has(result))
                append(edge.cotangent, sweep.cotangent(result));
            else
                edge.cotangent.resize(edge.cotangent.size() + size, 0);
        }
        sweep.settle(from);
        std::vector<double>& before = arrived_[from];
        before.resize(edge.shape.size(), 0);
        if (sweep.has(from)) append(edge.delivered, sweep.cotangent(from));
        edge.delivered.resize(edge.shape.size(), 0);
        for (std::size_t i = 0; i < before.size(); ++i) {
            const double total = edge.delivered[i];
            edge.delivered[i] -= before[i];
            before[i] = total;
        }
        kept_ += edge.delivered.size() + edge.cotangent.size();
        edges_.push_back(std::move(edge));
    }
    static void append(std::vector<double>& to, const Array<T>& array) {
        to.insert(to.end(), array.data(), array.data() + array.size());
    }

    const Tape<T>& tape_;
    const NodeCounter<T>& counter_;
    std::vector<Edge> edges_;
    std::map<NodeIndex, std::vector<double>> arrived_;
    std::size_t kept_ = 0;
};

/// The first `detach` of something that depends on a node, as text; empty if there is none.
template <class T>
std::string first_detached(const Tape<T>& tape, NodeIndex from) {
    std::vector<bool> depends(tape.size(), false);
    for (NodeIndex node = from; node < tape.size(); ++node) {
        const auto inputs = tape.inputs(node);
        const auto source = tape.detached_from(node);
        if (source.has_value() && depends[*source]) return tape.describe(node);
        depends[node] = node == from || std::any_of(inputs.begin(), inputs.end(),
                                                    [&](NodeIndex input) { return depends[input]; });
    }
    return "";
}

}  // namespace

template <class T>
FaultyRule rule_of(const Tape<T>& tape, NodeIndex node, std::size_t argument) {
    const CallSite& site = tape.node(node).site;
    FaultyRule rule{std::string(tape.node(node).operation->name()), argument, tape.label(node),
                    site.file_name(), site.line()};
    // An operation that was itself given as f has no line of the user's.
    if (rule.file.ends_with("autograd/check/function.hpp")) rule.file.clear();
    return rule;
}

template <class T>
std::optional<RecordedEdges> record_edges(Subject<T>& subject, std::span<const double> cotangent,
                                          std::size_t input) {
    // The counter first: a tape asks whether it is observed when it is made.
    const NodeCounter<T> counter(subject);
    Tape<T> tape;
    const auto run = subject.run(tape);
    const std::vector<GradientRoot<T>> roots = subject.roots(subject.differentiated(run), cotangent);
    EdgeRecorder<T> recorder(tape, counter, roots);
    const Wrt<T> by = subject.wrt(run).list()[input];
    static_cast<void>(gradient(roots, {by}));
    if (!recorder.is_complete()) return {};
    const NodeIndex* leaf = by.parameter() != nullptr ? tape.find(by.parameter()) : nullptr;
    const NodeIndex from = leaf != nullptr             ? *leaf
                           : by.parameter() == nullptr ? by.var().index()
                                                       : NodeIndex(tape.size());
    return RecordedEdges{std::move(recorder.edges()), first_detached(tape, from)};
}

#define TAPELOOP_EDGES(T)                                                \
    template FaultyRule rule_of(const Tape<T>&, NodeIndex, std::size_t); \
    template std::optional<RecordedEdges> record_edges(Subject<T>&, std::span<const double>, std::size_t);

TAPELOOP_EDGES(float)
TAPELOOP_EDGES(double)

#undef TAPELOOP_EDGES

}  // namespace tapeloop::detail
