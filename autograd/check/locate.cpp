#include <fmt/format.h>
#include <autograd/check/evidence.hpp>
#include <autograd/check/locate.hpp>
#include <autograd/check/random.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace tapeloop::detail {
namespace {

// Larger graphs are not searched.
constexpr std::size_t most_edges = 4'000;
constexpr std::size_t most_kept = 20'000'000;
// Larger operations are named, but not looked into.
constexpr std::size_t most_moved = 1'000;
constexpr std::size_t largest_local_jacobian = 2'000'000;

/// An operation and one of its arguments, with what its rules delivered.
struct Edge {
    NodeIndex from;
    NodeIndex to;
    NodeIndex results;  ///< how many nodes behind `to` are its results; 0 if it is its own
    std::size_t
        recorded;  ///< as which one of all nodes that were recorded `to` was, those taken back included
    FaultyRule rule;
    Shape shape;
    double largest = 0;  ///< of the argument's elements
    std::vector<Evidence::Result> result_shapes;
    std::vector<double> cotangent;
    std::vector<double> delivered;
};

/// Notes the place of each node among all that were recorded: a node that is taken back is recorded again
/// under the same index.
template <class T>
class Counter final : public TapeObserver<T> {
  public:
    explicit Counter(const Subject<T>& subject) : subject_(subject) {}

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

/// Notes every edge of a sweep, in the order of the sweep.
template <class T>
class Recorder final : public TapeObserver<T> {
  public:
    Recorder(const Tape<T>& tape, const Counter<T>& counter, const std::vector<GradientRoot<T>>& roots)
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
        for (const T element : tape_.array(from).elements())
            edge.largest = std::max(edge.largest, static_cast<double>(std::abs(element)));
        edge.rule = {std::string(node.operation->name()), argument, tape_.label(to), node.site.file_name(),
                     node.site.line()};
        // An operation that was itself given as f has no line of the user's.
        if (edge.rule.file.ends_with("autograd/check/function.hpp")) edge.rule.file.clear();
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
    const Counter<T>& counter_;
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

/// Moves an argument just while its operation computes, and keeps what comes out.
template <class T>
class Mover final : public TapeObserver<T> {
  public:
    Mover(const Subject<T>& subject, const Edge& edge, const std::vector<double>& step)
        : subject_(subject), edge_(edge), step_(step) {}

    void appended(Tape<T>& tape, NodeIndex node) override {
        if (&tape != subject_.tape()) return;
        ++count_;
        if (count_ + 1 == edge_.recorded) move(tape);
        if (count_ != edge_.recorded + edge_.results || node != edge_.to + edge_.results) return;
        keep(tape);
        if (original_ != nullptr) tape.replace_value(edge_.from, original_);
    }
    /// Returns the values; empty if the operation was not met again.
    const std::vector<double>& values() const { return values_; }

  private:
    void move(Tape<T>& tape) {
        if (edge_.from >= tape.size()) return;
        const Node<T>& node = tape.node(edge_.from);
        if (node.shape != edge_.shape || node.data == nullptr) return;
        original_ = node.data;
        T* const moved = tape.allocate(step_.size());
        for (std::size_t i = 0; i < step_.size(); ++i)
            moved[i] = static_cast<T>(static_cast<double>(original_[i]) + step_[i]);
        tape.replace_value(edge_.from, moved);
    }
    void keep(const Tape<T>& tape) {
        const NodeIndex first = edge_.to + (edge_.results == 0 ? 0 : 1);
        for (NodeIndex result = first; original_ != nullptr && result <= edge_.to + edge_.results; ++result) {
            const Array<T> array = tape.array(result);
            values_.insert(values_.end(), array.data(), array.data() + array.size());
        }
        if (values_.size() != edge_.cotangent.size()) values_.clear();
    }

    const Subject<T>& subject_;
    const Edge& edge_;
    const std::vector<double>& step_;
    std::size_t count_ = 0;
    const T* original_ = nullptr;  // where the argument lies that is moved
    std::vector<double> values_;
};

template <class T>
class Location {
  public:
    Location(Subject<T>& subject, const Differences<T>& differences)
        : subject_(subject), differences_(differences) {}

    std::optional<Located> find(std::size_t input) {
        std::optional<std::vector<Edge>> edges = recorded_edges(input);
        if (!edges.has_value()) return {};
        std::vector<const Edge*> wrong;
        for (const Edge& edge : *edges) {
            const std::optional<bool> right = is_right(edge);
            if (!right.has_value()) return {};
            if (!*right) wrong.push_back(&edge);
        }
        if (wrong.empty() && !is_sure_) return {};
        Located located;
        located.detached = detached_;
        if (wrong.empty()) return located;
        const Edge& first = **std::min_element(wrong.begin(), wrong.end(),
                                               [](const Edge* a, const Edge* b) { return a->to < b->to; });
        located.rule = first.rule;
        located.rule->others = wrong.size() - 1;
        located.is_at_input = std::none_of(edges->begin(), edges->end(),
                                           [&](const Edge& edge) { return edge.to == first.from; });
        located.explanation = explain_edge(first, subject_.input(input));
        return located;
    }

  private:
    std::optional<std::vector<Edge>> recorded_edges(std::size_t input) {
        std::vector<Edge> edges;
        {
            // The tape first: it asks whether it is observed when it is made.
            const Counter<T> counter(subject_);
            Tape<T> tape;
            const auto run = subject_.run(tape);
            const std::vector<GradientRoot<T>> roots = subject_.roots(run.results, differences_.cotangent());
            Recorder<T> recorder(tape, counter, roots);
            const Wrt<T> by = subject_.wrt(run).list()[input];
            static_cast<void>(gradient(roots, {by}));
            const NodeIndex* leaf = by.parameter() != nullptr ? tape.find(by.parameter()) : nullptr;
            detached_ = first_detached(tape, leaf != nullptr             ? *leaf
                                             : by.parameter() == nullptr ? by.var().index()
                                                                         : NodeIndex(tape.size()));
            if (!recorder.is_complete()) return {};
            edges = std::move(recorder.edges());
        }
        return edges;
    }

    /// Returns the operation's result with its argument moved by `step`; empty if it is not met again.
    std::vector<double> moved(const Edge& edge, const std::vector<double>& step) {
        Mover<T> mover(subject_, edge, step);
        std::vector<double> ignored;
        subject_.evaluate(ignored);
        return mover.values();
    }

    /// Returns the largest effect of a kink between x - step and x + step on a change.
    std::optional<double> bend(const Edge& edge, const std::vector<double>& step) {
        const std::vector<double> center = moved(edge, std::vector<double>(step.size(), 0));
        if (center.size() != middle_.size()) return {};
        double sum = 0;
        for (std::size_t o = 0; o < center.size(); ++o)
            sum += std::abs(edge.cotangent[o] * (middle_[o] - center[o]));
        return sum;
    }

    /// (f(x + step) - f(x - step)) / 2, element by element.
    std::vector<double> change(const Edge& edge, std::vector<double> step) {
        std::vector<double> plus = moved(edge, step);
        for (double& amount : step) amount = -amount;
        const std::vector<double> minus = moved(edge, step);
        if (plus.size() != minus.size()) return {};
        double squares = 0;
        middle_.resize(plus.size());
        for (std::size_t o = 0; o < plus.size(); ++o) {
            middle_[o] = (plus[o] + minus[o]) / 2;
            squares += plus[o] * plus[o] * edge.cotangent[o] * edge.cotangent[o];
            plus[o] = (plus[o] - minus[o]) / 2;
        }
        rounding_ = 8 * differences_.tolerances().epsilon * std::sqrt(squares);
        return plus;
    }

    double inner(const std::vector<double>& a, const std::vector<double>& b) const {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
        return sum;
    }

    std::optional<bool> is_right(const Edge& edge) {
        if (edge.delivered.empty() || edge.cotangent.empty()) return true;
        const std::vector<double> direction = random_weights(edge.delivered.size(), edge.to * 31 + edge.from);
        double size = 0;
        for (std::size_t i = 0; i < direction.size(); ++i)
            size += edge.delivered[i] * edge.delivered[i] * direction[i] * direction[i];
        bool is_bent = false;
        // A smaller step too: the usual one may straddle a kink.
        for (double part : {1.0, 1.0 / 32}) {
            std::vector<double> step = direction;
            const double usual = differences_.step_for(edge.largest) * part;
            for (double& amount : step) amount *= usual;
            const std::vector<double> changed = change(edge, step);
            if (changed.empty()) return {};
            const double numeric = inner(changed, edge.cotangent) / usual;
            const double tape = inner(edge.delivered, direction);
            const double margin = close * (std::sqrt(size) + std::abs(numeric)) + 1e-9 + rounding_ / usual;
            const double error = std::abs(numeric - tape);
            if (error <= margin) return true;
            const std::optional<double> bent = bend(edge, step);
            if (!bent.has_value()) return {};
            is_bent = error <= margin + *bent / usual;
        }
        // At a kink either slope is right: then it is not accused, but not acquitted either.
        is_sure_ = is_sure_ && !is_bent;
        return is_bent;
    }

    /// Returns the meaning of a tensor's axes on the way, as far as an input tells: one with a time axis of
    /// which it has all but the last extent, and one that is packed of gates and has its last extent.
    InputInfo info_like(const Shape& shape) const {
        InputInfo info;
        for (std::size_t k = 0; k < subject_.size(); ++k) {
            const InputInfo& known = subject_.input(k).info;
            const Shape known_shape = subject_.input(k).shape();
            if (shape.rank() == 0 || known_shape.rank() == 0) continue;
            if (time_axis(known).has_value() && shape.rank() == known_shape.rank() &&
                std::equal(shape.begin(), shape.end() - 1, known_shape.begin()))
                info.axes = known.axes;
            if (!known.gates.empty() && shape.back() == known_shape.back()) info.gates = known.gates;
        }
        return info;
    }

    std::optional<Diagnosed> explain_edge(const Edge& edge, const CheckInput<T>& input) {
        const std::size_t size = edge.delivered.size();
        const std::size_t results = edge.cotangent.size();
        if (size > most_moved || size * results > largest_local_jacobian) return {};
        Evidence evidence;
        evidence.shape = edge.shape;
        evidence.results = edge.result_shapes;
        evidence.cotangent = edge.cotangent;
        evidence.tape = edge.delivered;
        evidence.info = edge.from == 0 && edge.shape == input.shape() ? input.info : info_like(edge.shape);
        for (Evidence::Result& result : evidence.results) result.info = info_like(result.shape);
        for (std::size_t i = 0; i < size; ++i) {
            std::vector<double> step(size, 0);
            step[i] = differences_.step_for(edge.largest);
            std::vector<double> column = change(edge, step);
            for (double& element : column) element /= step[i];
            evidence.jacobian.insert(evidence.jacobian.end(), column.begin(), column.end());
            if (column.size() != results) return {};
        }
        evidence.numeric = gradient_by_jacobian(evidence, evidence.cotangent);
        for (double element : evidence.numeric)
            evidence.tolerance.push_back(close * std::abs(element) + differences_.tolerances().absolute);
        add_extents(evidence.extents, "the argument", evidence.shape, {});
        for (const Evidence::Result& result : evidence.results)
            add_extents(evidence.extents, "the operation's result", result.shape, {});
        return diagnosed(evidence);
    }

    // How far a rule may be from the differences of its operation.
    static constexpr double close = sizeof(T) == 8 ? 1e-5 : 5e-2;

    Subject<T>& subject_;
    const Differences<T>& differences_;
    std::string detached_;
    double rounding_ = 0;         ///< what rounding can do to the last change
    std::vector<double> middle_;  ///< (f(x + step) + f(x - step)) / 2 of the last change
    bool is_sure_ = true;         ///< whether every rule that is not accused is right
};

}  // namespace

template <class T>
std::optional<Located> locate(Subject<T>& subject, const Differences<T>& differences, std::size_t input) {
    return Location<T>(subject, differences).find(input);
}

template std::optional<Located> locate(Subject<float>&, const Differences<float>&, std::size_t);
template std::optional<Located> locate(Subject<double>&, const Differences<double>&, std::size_t);

}  // namespace tapeloop::detail
