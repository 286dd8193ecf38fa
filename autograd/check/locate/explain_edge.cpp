#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/locate/explain_edge.hpp>
#include <autograd/sweep/contributions.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

// Larger operations are named, but not looked into.
constexpr std::size_t most_moved = 1'000;
constexpr std::size_t largest_local_jacobian = 2'000'000;

template <class T>
class EdgeExplainer {
  public:
    EdgeExplainer(Subject<T>& subject, const Differences<T>& scale)
        : subject_(subject), scale_(scale), differences_(subject, scale.tolerances().epsilon) {}

    /// Tells a rule that is no linear function of its cotangent.
    std::optional<Diagnosed> explain_rule(const Edge& edge) {
        std::vector<double> twice = edge.cotangent;
        for (double& element : twice) element *= 2;
        const std::vector<double> other = random_weights(twice.size(), edge.to);
        std::vector<double> both = other;
        for (std::size_t o = 0; o < both.size(); ++o) both[o] += edge.cotangent[o];
        const auto found = pulled(edge, {edge.cotangent, edge.cotangent, twice, other, both});
        if (found.size() != 5) return {};
        double scale = 0;
        for (const double element : found[0])
            if (std::isfinite(element)) scale = std::max(scale, std::abs(element));
        const auto is_apart = [&](double a, double b) {
            return !(std::abs(a - b) <= 100 * close_to_differences<T> * scale);
        };
        bool changes = false;
        bool ignores = true;
        bool is_linear = true;
        for (std::size_t i = 0; i < found[0].size(); ++i) {
            // Where the slope is infinite, as that of log at 0, sums of it say nothing.
            if (!std::all_of(found.begin(), found.end(),
                             [i](const auto& delivered) { return std::isfinite(delivered[i]); }))
                continue;
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

    std::optional<Diagnosed> explain_operation(const Edge& edge, const std::vector<Edge>& edges,
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
            evidence.tolerance.push_back(10 * close_to_differences<T> * std::abs(element) +
                                         scale_.tolerances().absolute);
        add_extents(evidence.extents, "the argument", evidence.shape, {});
        for (const Evidence::Result& result : evidence.results)
            add_extents(evidence.extents, "the operation's result", result.shape, {});
        return diagnosed(evidence);
    }

  private:
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
            step[i] = scale_.step_for(edge.values[i]);
            std::vector<double> column = differences_.change(edge, step);
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

    Subject<T>& subject_;
    const Differences<T>& scale_;  ///< steps and tolerances
    EdgeDifferences<T> differences_;
};

}  // namespace

template <class T>
std::optional<Diagnosed> explain_edge(Subject<T>& subject, const Differences<T>& differences,
                                      const Edge& edge, const std::vector<Edge>& edges, std::size_t input) {
    EdgeExplainer<T> explainer(subject, differences);
    const std::optional<Diagnosed> of_rule = explainer.explain_rule(edge);
    return of_rule.has_value() ? of_rule : explainer.explain_operation(edge, edges, subject.input(input));
}

#define TAPELOOP_EXPLAIN_EDGE(T)                                                                    \
    template std::optional<Diagnosed> explain_edge(Subject<T>&, const Differences<T>&, const Edge&, \
                                                   const std::vector<Edge>&, std::size_t);

TAPELOOP_EXPLAIN_EDGE(float)
TAPELOOP_EXPLAIN_EDGE(double)

#undef TAPELOOP_EXPLAIN_EDGE

}  // namespace tapeloop::detail
