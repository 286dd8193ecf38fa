#include <fmt/format.h>
#include <autograd/check/evidence.hpp>
#include <autograd/check/locate.hpp>
#include <autograd/check/random.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/sweep/contributions.hpp>
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
    std::vector<double> values;  ///< of the argument
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
        append(edge.values, tape_.array(from));
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
    Location(Subject<T>& subject, const Differences<T>& differences, double failing)
        : subject_(subject), differences_(differences), failing_(failing) {}

    std::optional<Located> find(std::size_t input) {
        std::optional<std::vector<Edge>> edges = recorded_edges(input);
        if (!edges.has_value()) return {};
        std::vector<const Edge*> wrong;
        bool all_right = true;
        for (const Edge& edge : *edges) {
            const std::optional<Judgement> found = judge(edge);
            if (!found.has_value()) return {};
            if (*found == Judgement::wrong) wrong.push_back(&edge);
            all_right = all_right && *found == Judgement::right;
        }
        if (wrong.empty() && !all_right) return {};
        Located located;
        located.detached = detached_;
        if (wrong.empty()) return located;
        const Edge& first = **std::min_element(wrong.begin(), wrong.end(),
                                               [](const Edge* a, const Edge* b) { return a->to < b->to; });
        located.rule = first.rule;
        located.rule->others = wrong.size() - 1;
        located.is_at_input = std::none_of(edges->begin(), edges->end(),
                                           [&](const Edge& edge) { return edge.to == first.from; });
        located.explanation = explain_rule(first);
        if (!located.explanation.has_value())
            located.explanation = explain_edge(first, *edges, subject_.input(input));
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
            const std::vector<GradientRoot<T>> roots =
                subject_.roots(subject_.differentiated(run), differences_.cotangent());
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
        Tape<T> tape;
        static_cast<void>(subject_.differentiated(subject_.run(tape)));
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

    /// Right and wrong are told with a margin, of several steps that agree.
    enum class Judgement { right, wrong, untold };

    std::optional<Judgement> judge(const Edge& edge) {
        if (edge.delivered.empty() || edge.cotangent.empty()) return Judgement::right;
        const std::size_t size = edge.delivered.size();
        // Each element by its own step: what suits a mask of -1e9 says nothing of a score beside it.
        std::vector<double> direction = random_weights(size, edge.to * 31 + edge.from);
        double squares = 0;
        for (std::size_t i = 0; i < size; ++i) {
            direction[i] *= differences_.step_for(edge.values[i]);
            squares += edge.delivered[i] * edge.delivered[i] * direction[i] * direction[i];
        }
        const double tape = inner(edge.delivered, direction);
        if (!std::isfinite(tape)) return Judgement::wrong;
        const double needed = failing_ / (4 * std::sqrt(static_cast<double>(size)));
        double before = 0;  // the error by the step before this one
        bool is_steady = false;
        for (const double part : {1.0, 1.0 / 8, 1.0 / 64}) {
            std::vector<double> step = direction;
            for (double& amount : step) amount *= part;
            const std::vector<double> changed = change(edge, step);
            if (changed.empty()) return {};
            const double numeric = inner(changed, edge.cotangent) / part;
            const double error = numeric - tape;
            const double scale = std::sqrt(squares) + std::abs(numeric);
            const double noise = rounding_ / part;
            if (std::abs(error) <= close * scale + noise)
                return close * scale + noise <= std::max(needed, close) * scale || scale == 0
                           ? Judgement::right
                           : Judgement::untold;
            const std::optional<double> bent = bend(edge, step);
            if (!bent.has_value()) return {};
            // At a kink either slope is right.
            if (part < 1.0 / 32 && std::abs(error) <= close * scale + noise + *bent / part)
                return Judgement::untold;
            const bool agrees = std::abs(error - before) <= std::abs(error) / 4;
            is_steady = is_steady || (part < 1 && agrees && std::abs(error) > 4 * noise);
            before = error;
        }
        return is_steady ? Judgement::wrong : Judgement::untold;
    }

    /// Returns what the rule alone delivers for each of several cotangents.
    std::vector<std::vector<double>> pulled(const Edge& edge,
                                            const std::vector<std::vector<double>>& cotangents) {
        Tape<T> tape;
        static_cast<void>(subject_.differentiated(subject_.run(tape)));
        std::vector<std::vector<double>> delivered;
        if (edge.to + edge.results >= tape.size()) return delivered;
        for (const std::vector<double>& cotangent : cotangents) {
            std::vector<Tensor<T>> parts;
            auto next = cotangent.begin();
            for (const Evidence::Result& result : edge.result_shapes) {
                parts.push_back(uninitialised<T>(result.shape));
                for (T& element : parts.back()) element = static_cast<T>(*next++);
            }
            const NodeIndex first = edge.to + (edge.results == 0 ? 0 : 1);
            const CotangentOf<T> cotangent_of = [&](NodeIndex node) { return &parts[node - first]; };
            delivered.emplace_back();
            for (const Contribution<T>& one : contributions_as_is(tape, edge.to, cotangent_of, {edge.from}))
                delivered.back().assign(one.cotangent.begin(), one.cotangent.end());
            delivered.back().resize(edge.delivered.size(), 0);
        }
        return delivered;
    }

    /// Tells a rule that is no linear function of its cotangent.
    std::optional<Diagnosed> explain_rule(const Edge& edge) {
        std::vector<double> twice = edge.cotangent;
        for (double& element : twice) element *= 2;
        const std::vector<double> other = random_weights(twice.size(), edge.to);
        std::vector<double> both = other;
        for (std::size_t o = 0; o < both.size(); ++o) both[o] += edge.cotangent[o];
        const auto found = pulled(edge, {edge.cotangent, edge.cotangent, twice, other, both});
        if (found.size() != 5) return {};
        for (const double element : found[0])
            if (!std::isfinite(element)) return {};
        double scale = 0;
        for (const double element : found[0]) scale = std::max(scale, std::abs(element));
        const auto is_apart = [&](double a, double b) { return !(std::abs(a - b) <= 100 * close * scale); };
        bool changes = false;
        bool ignores = true;
        bool is_linear = true;
        for (std::size_t i = 0; i < found[0].size(); ++i) {
            changes = changes || is_apart(found[0][i], found[1][i]);
            ignores = ignores && !is_apart(found[0][i], found[2][i]) && !is_apart(found[0][i], found[3][i]);
            is_linear = is_linear && !is_apart(2 * found[0][i], found[2][i]) &&
                        !is_apart(found[0][i] + found[3][i], found[4][i]);
        }
        if (changes)
            return Diagnosed{Diagnosis::rule_changes,
                             "the rule gives something else when it runs again with the same cotangent: it "
                             "draws, or keeps what it met before"};
        if (is_linear || ignores) return {};
        return Diagnosed{Diagnosis::not_linear,
                         "the rule is not linear in its cotangent: for twice the cotangent it does not give "
                         "twice as much, or not the sum for a sum"};
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

    /// The right gradient of an edge, and the Jacobian that gives it; false if the operation is not met
    /// again.
    bool differentiate(const Edge& edge, Evidence& evidence) {
        for (std::size_t i = 0; i < edge.values.size(); ++i) {
            std::vector<double> step(edge.values.size(), 0);
            step[i] = differences_.step_for(edge.values[i]);
            std::vector<double> column = change(edge, step);
            if (column.size() != edge.cotangent.size()) return false;
            for (double& element : column) element /= step[i];
            evidence.jacobian.insert(evidence.jacobian.end(), column.begin(), column.end());
        }
        evidence.numeric = gradient_by_jacobian(evidence, edge.cotangent);
        return true;
    }

    /// Adds the right gradients by the operation's other arguments of the same shape.
    void add_others(const Edge& edge, const std::vector<Edge>& edges, Evidence& evidence) {
        for (const Edge& other : edges) {
            if (other.to != edge.to || other.from == edge.from || other.shape != edge.shape) continue;
            Evidence of_other;
            of_other.tape = other.delivered;
            if (differentiate(other, of_other))
                evidence.others.push_back(
                    {fmt::format("argument {}", other.rule.argument), of_other.numeric});
        }
    }

    std::optional<Diagnosed> explain_edge(const Edge& edge, const std::vector<Edge>& edges,
                                          const CheckInput<T>& input) {
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
        evidence.values = edge.values;
        if (!differentiate(edge, evidence)) return {};
        add_others(edge, edges, evidence);
        for (double element : evidence.numeric)
            evidence.tolerance.push_back(10 * close * std::abs(element) + differences_.tolerances().absolute);
        add_extents(evidence.extents, "the argument", evidence.shape, {});
        for (const Evidence::Result& result : evidence.results)
            add_extents(evidence.extents, "the operation's result", result.shape, {});
        return diagnosed(evidence);
    }

    // How far a rule may be from the differences of its operation, rounding not counted.
    static constexpr double close = sizeof(T) == 8 ? 3e-8 : 5e-3;

    Subject<T>& subject_;
    const Differences<T>& differences_;
    std::string detached_;
    double rounding_ = 0;         ///< what rounding can do to the last change
    std::vector<double> middle_;  ///< (f(x + step) + f(x - step)) / 2 of the last change
    double failing_;              ///< the relative difference that is to be explained
};

}  // namespace

template <class T>
std::optional<Located> locate(Subject<T>& subject, const Differences<T>& differences, std::size_t input,
                              double failing) {
    return Location<T>(subject, differences, failing).find(input);
}

template std::optional<Located> locate(Subject<float>&, const Differences<float>&, std::size_t, double);
template std::optional<Located> locate(Subject<double>&, const Differences<double>&, std::size_t, double);

}  // namespace tapeloop::detail
