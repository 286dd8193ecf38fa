#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/locate/explain_edge.hpp>
#include <autograd/check/locate/locate_recorded_rule.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

// Longer recordings are not searched.
constexpr std::size_t most_nodes = 2'000;

/// One vector for each of an operation's arguments that a gradient is wanted by.
using ByArgument = std::vector<std::vector<double>>;

/// An operation, and its arguments that depend on what is differentiated by.
struct RuledNode {
    NodeIndex node;
    std::size_t recorded;  ///< as which one of all nodes, those taken back included
    std::vector<NodeIndex> arguments;
};

/// Moves an argument from just before its operation computes: its rules, too, meet it there.
template <class T>
class ArgumentShift final : public TapeObserver<T> {
  public:
    ArgumentShift(const Subject<T>& subject, std::size_t recorded, NodeIndex from,
                  const std::vector<double>& step)
        : subject_(subject), recorded_(recorded), from_(from), step_(step) {}

    void appended(Tape<T>& tape, NodeIndex) override {
        if (&tape != subject_.tape() || ++count_ + 1 != recorded_ || from_ >= tape.size()) return;
        const Node<T>& node = tape.node(from_);
        if (node.shape.size() != step_.size() || node.data == nullptr) return;
        T* const moved = tape.allocate(step_.size());
        for (std::size_t i = 0; i < step_.size(); ++i)
            moved[i] = static_cast<T>(static_cast<double>(node.data[i]) + step_[i]);
        tape.replace_value(from_, moved);
        has_moved_ = true;
    }
    bool has_moved() const { return has_moved_; }

  private:
    const Subject<T>& subject_;
    std::size_t recorded_;
    NodeIndex from_;
    const std::vector<double>& step_;
    std::size_t count_ = 0;
    bool has_moved_ = false;
};

/// Keeps the cotangents of an operation's arguments when its own rules have run: what has arrived from it and
/// from what was recorded after it, and nothing from before.
template <class T>
class ArrivalsAt final : public TapeObserver<T> {
  public:
    ArrivalsAt(const Tape<T>& tape, const RuledNode& at)
        : tape_(tape), at_(at), arrived(at.arguments.size()) {}

    void pulled(Sweep<T>& sweep, NodeIndex node) override {
        if (&sweep.tape() != &tape_ || node != at_.node) return;
        for (std::size_t j = 0; j < at_.arguments.size(); ++j) {
            const NodeIndex argument = at_.arguments[j];
            arrived[j].assign(tape_.node(argument).shape.size(), 0);
            if (!sweep.wants(argument)) continue;
            sweep.settle(argument);
            if (!sweep.has(argument)) continue;
            const Array<T> cotangent = sweep.cotangent(argument);
            std::copy(cotangent.data(), cotangent.data() + cotangent.size(), arrived[j].begin());
        }
    }

  private:
    const Tape<T>& tape_;
    const RuledNode& at_;

  public:
    ByArgument arrived;
};

bool is_all_zero(const ByArgument& vectors) {
    for (const std::vector<double>& one : vectors)
        for (double element : one)
            if (element != 0) return false;
    return true;
}

template <class T>
class RecordedRules {
  public:
    RecordedRules(Subject<T>& subject, const Differences<T>& differences)
        : subject_(subject), differences_(differences) {}

    std::optional<LocatedRule> find() {
        const NodeCounter<T> counter(subject_);
        Tape<T> tape;
        const auto run = subject_.run(tape);
        if (tape.size() > most_nodes) return {};
        const std::vector<RuledNode> nodes = nodes_of(tape, run, counter);
        for (const RuledNode& one : nodes)
            if (auto found = judge(tape, one); found.has_value()) return found;
        return {};
    }

  private:
    /// All at once: the counter sees the runs that follow as well.
    std::vector<RuledNode> nodes_of(const Tape<T>& tape, const typename Subject<T>::Run& run,
                                    const NodeCounter<T>& counter) const {
        const auto end = static_cast<NodeIndex>(tape.size());
        const Reach<T> reach(tape, 0, end - 1, leaves(tape, run));
        std::vector<RuledNode> nodes;
        for (NodeIndex node = 0; node < end; ++node) {
            if (!reach.contains(node) || tape.node(node).results == result_mark) continue;
            RuledNode one{node, counter[node], {}};
            for (NodeIndex input : distinct_inputs(tape, node))
                if (reach.contains(input)) one.arguments.push_back(input);
            if (!one.arguments.empty()) nodes.push_back(std::move(one));
        }
        return nodes;
    }

    std::vector<NodeIndex> leaves(const Tape<T>& tape, const typename Subject<T>::Run& run) const {
        std::vector<NodeIndex> all;
        for (std::size_t k = 0; k < subject_.own_inputs(); ++k) {
            const Parameter<T>* parameter = subject_.input(k).parameter;
            const NodeIndex* leaf = parameter != nullptr ? tape.find(parameter->storage().get()) : nullptr;
            if (parameter == nullptr)
                all.push_back(run.arguments[k].index());
            else if (leaf != nullptr)
                all.push_back(*leaf);
        }
        return all;
    }

    /// Random cotangents of an operation's results, one behind the other.
    std::vector<Tensor<T>> random_cotangents(const Tape<T>& tape, NodeIndex node, std::uint64_t seed) const {
        CheckRandom random(seed);
        std::vector<Tensor<T>> all;
        for (NodeIndex result : results_of(tape, node)) {
            all.push_back(uninitialised<T>(tape.node(result).shape));
            for (T& element : all.back()) element = static_cast<T>(random.weight());
        }
        return all;
    }

    /// What the rules hand to each of the arguments, by arrays.
    ByArgument delivered(Tape<T>& tape, const RuledNode& one,
                         const std::vector<Tensor<T>>& cotangents) const {
        const NodeIndex first = results_of(tape, one.node).front();
        const CotangentOf<T> cotangent_of = [&](NodeIndex node) { return &cotangents[node - first]; };
        ByArgument all;
        for (NodeIndex argument : one.arguments) all.emplace_back(tape.node(argument).shape.size(), 0);
        for (const Contribution<T>& part : contributions_as_is(tape, one.node, cotangent_of, one.arguments))
            for (std::size_t i = 0; i < one.arguments.size(); ++i)
                if (one.arguments[i] == part.input)
                    all[i].assign(part.cotangent.begin(), part.cotangent.end());
        return all;
    }

    /// The same with the argument `j` moved by `step`; empty if the operation is not met again.
    ByArgument delivered_beside(const RuledNode& one, std::size_t j, const std::vector<double>& step,
                                const std::vector<Tensor<T>>& cotangents) {
        ArgumentShift<T> shift(subject_, one.recorded, one.arguments[j], step);
        Tape<T> tape;
        static_cast<void>(subject_.run(tape));
        if (!shift.has_moved() || one.node >= tape.size()) return {};
        return delivered(tape, one, cotangents);
    }

    std::optional<LocatedRule> judge(Tape<T>& tape, const RuledNode& one) {
        const std::vector<Tensor<T>> given = random_cotangents(tape, one.node, one.node + 1);
        std::vector<Var<T>> g;
        for (const Tensor<T>& cotangent : given) g.push_back(input(cotangent));
        const NodeIndex first = results_of(tape, one.node).front();
        const auto recorded = sweep_alone<GraphSweep<T>>(
            tape, *tape.node(one.node).operation, one.node, one.arguments,
            [&](NodeIndex result) { return std::optional<Var<T>>(g[result - first]); });
        const ByArgument by_arrays = delivered(tape, one, given);
        for (std::size_t i = 0; i < one.arguments.size(); ++i) {
            if (!recorded.has(one.arguments[i])) continue;
            const Var<T> rule = recorded.cotangent(one.arguments[i]);
            if (auto found = judge(tape, one, i, rule, g, given, by_arrays[i]); found.has_value())
                return found;
        }
        return {};
    }

    /// Judges the rule for the argument `i`.
    std::optional<LocatedRule> judge(Tape<T>& tape, const RuledNode& one, std::size_t i, const Var<T>& rule,
                                     const std::vector<Var<T>>& g, const std::vector<Tensor<T>>& given,
                                     const std::vector<double>& by_arrays) {
        const Array<T> value = rule.array();
        double apart = 0;
        double largest = 0;
        for (std::size_t o = 0; o < value.size(); ++o) {
            apart = std::max(apart, std::abs(static_cast<double>(value.data()[o]) - by_arrays[o]));
            largest = std::max(largest, std::abs(by_arrays[o]));
        }
        if (apart > (sizeof(T) == 8 ? 1e-10 : 1e-3) * std::max(1.0, largest))
            return located(tape, one, i, "gives something else when it is recorded");

        const std::vector<double> weights = random_weights(value.size(), std::size_t{one.node} * 7 + i);
        ByArgument by_cotangent;
        const ByArgument slopes = derivatives(tape, one, rule, g, weights, by_cotangent);
        // The rule is linear in its cotangent, so that no step is needed.
        const std::vector<Tensor<T>> other = random_cotangents(tape, one.node, one.node + 2);
        double along = 0;
        double size = 0;
        for (std::size_t r = 0; r < other.size(); ++r) {
            const std::vector<double> direction(other[r].begin(), other[r].end());
            along += sum_of_products(by_cotangent[r], direction);
            size += length_of_products(by_cotangent[r], direction);
        }
        const double expected = sum_of_products(weights, delivered(tape, one, other)[i]);
        if (std::abs(along - expected) > 100 * close_to_differences<T> * (size + std::abs(expected)))
            return located(tape, one, i,
                           is_all_zero(by_cotangent) ? "takes its cotangent for a constant"
                                                     : "differentiates wrongly by its cotangent");
        for (std::size_t j = 0; j < one.arguments.size(); ++j)
            if (is_wrong(tape, one, i, j, slopes[j], weights, given)) {
                const std::size_t place = place_of(tape, one, j);
                return located(tape, one, i,
                               is_all_zero({slopes[j]})
                                   ? fmt::format("takes argument {} for a constant", place)
                                   : fmt::format("differentiates wrongly by argument {}", place));
            }
        return {};
    }

    /// The derivatives of <weights, rule> by the arguments, and by the cotangents.
    ByArgument derivatives(Tape<T>& tape, const RuledNode& one, const Var<T>& rule,
                           const std::vector<Var<T>>& g, const std::vector<double>& weights,
                           ByArgument& by_cotangent) const {
        Tensor<T> root = uninitialised<T>(rule.shape());
        std::transform(weights.begin(), weights.end(), root.begin(),
                       [](double w) { return static_cast<T>(w); });
        std::vector<GradientRoot<T>> roots{{rule, std::move(root)}};
        // So that the sweep comes by, also where the rule does not use the results.
        for (NodeIndex result : results_of(tape, one.node))
            roots.push_back({tape.var(result), zeros<T>(tape.node(result).shape)});
        WrtList<T> wrt{std::vector<Wrt<T>>(g.begin(), g.end())};
        for (NodeIndex argument : one.arguments) wrt.add(tape.var(argument));
        ArrivalsAt<T> arrivals(tape, one);
        const Gradients<T> gradients = gradient(roots, wrt);
        for (std::size_t r = 0; r < g.size(); ++r)
            by_cotangent.emplace_back(gradients.at(r).begin(), gradients.at(r).end());
        return std::move(arrivals.arrived);
    }

    /// Returns whether differences by the argument `j` of what the rule for the argument `i` gives are, with
    /// several steps, others than its derivative.
    bool is_wrong(const Tape<T>& tape, const RuledNode& one, std::size_t i, std::size_t j,
                  const std::vector<double>& slopes, const std::vector<double>& weights,
                  const std::vector<Tensor<T>>& given) {
        const Array<T> values = tape.array(one.arguments[j]);
        std::vector<double> direction = random_weights(values.size(), std::size_t{one.node} * 31 + j);
        for (std::size_t n = 0; n < direction.size(); ++n)
            direction[n] *= differences_.step_for(static_cast<double>(values.data()[n]));
        const double along = sum_of_products(slopes, direction);
        double before = 0;
        for (const double part : {1.0, 1.0 / 8, 1.0 / 64}) {
            std::vector<double> step = direction;
            for (double& amount : step) amount *= part;
            const ByArgument plus = delivered_beside(one, j, step, given);
            for (double& amount : step) amount = -amount;
            const ByArgument minus = delivered_beside(one, j, step, given);
            if (plus.empty() || minus.empty()) return false;
            const double numeric =
                (sum_of_products(weights, plus[i]) - sum_of_products(weights, minus[i])) / (2 * part);
            const double error = numeric - along;
            const double noise =
                8 * differences_.tolerances().epsilon * length_of_products(weights, plus[i]) / part;
            const double scale = length_of_products(slopes, direction) + std::abs(numeric);
            if (std::abs(error) <= close_to_differences<T> * scale + 4 * noise) return false;
            if (part < 1 && std::abs(error - before) <= std::abs(error) / 4) return true;
            before = error;
        }
        return false;
    }

    std::size_t place_of(const Tape<T>& tape, const RuledNode& one, std::size_t j) const {
        const auto inputs = tape.inputs(one.node);
        return static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), one.arguments[j]) -
                                        inputs.begin());
    }

    LocatedRule located(const Tape<T>& tape, const RuledNode& one, std::size_t i,
                        const std::string& mistake) const {
        const FaultyRule rule = rule_of(tape, one.node, place_of(tape, one, i));
        return {rule,
                fmt::format("the rule of {} for its argument {} {}", rule.operation, rule.argument, mistake)};
    }

    Subject<T>& subject_;
    const Differences<T>& differences_;  ///< steps and tolerances
};

}  // namespace

template <class T>
std::optional<LocatedRule> locate_recorded_rule(Subject<T>& subject, const Differences<T>& differences) {
    return RecordedRules<T>(subject, differences).find();
}

template std::optional<LocatedRule> locate_recorded_rule(Subject<float>&, const Differences<float>&);
template std::optional<LocatedRule> locate_recorded_rule(Subject<double>&, const Differences<double>&);

}  // namespace tapeloop::detail
