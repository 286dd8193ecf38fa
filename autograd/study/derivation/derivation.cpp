#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/node_names.hpp>
#include <autograd/study/derivation/numerals.hpp>
#include <autograd/study/flow/gradient_path.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>
#include <autograd/wrt.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

using detail::as_double;
using detail::NodeName;
using Renaming = std::map<std::string, std::string, std::less<>>;

template <class T>
std::vector<bool> ancestors(const Tape<T>& tape, NodeIndex J) {
    std::vector<bool> wanted(J + 1, false);
    wanted[J] = true;
    for (NodeIndex node = J + 1; node-- > 0;)
        if (wanted[node])
            for (NodeIndex input : tape.inputs(node)) wanted[input] = true;
    return wanted;
}

/// The letters of a formula for the inputs of a node, in their order; of one that takes any number x₁, x₂,
/// ...
std::vector<std::string> letters_of(const Description& formula, std::size_t inputs) {
    std::vector<std::string> letters;
    for (std::size_t k = 0; k < inputs; ++k) {
        const bool is_fixed = !formula.takes_any_number() && k < formula.rule_count();
        letters.push_back(is_fixed ? std::string(formula.rules[k].argument) : fmt::format("x_{}", k + 1));
    }
    return letters;
}

template <class T>
class Deriving {
  public:
    Deriving(const Var<T>& J, const std::vector<std::optional<NodeIndex>>& wrt,
             const DerivationOptions& options)
        : tape_(J.tape()), J_(J.index()), options_(options), wanted_(ancestors(tape_, J_)), cotangents_(J) {
        require_small();
        names_ = detail::name_nodes(tape_, J_, wanted_, wrt);
        users_.resize(J_ + 1);
        for (NodeIndex node = 0; node <= J_; ++node)
            if (wanted_[node] && tape_.node(node).results != result_mark)
                for (NodeIndex input : detail::distinct_inputs(tape_, node)) users_[input].push_back(node);
    }

    Derivation derive(const std::vector<std::optional<NodeIndex>>& wrt, const std::vector<Wrt<T>>& list) {
        Derivation result;
        result.of = names_[J_].text();
        result.options = options_;
        for (NodeIndex node = 0; node <= J_; ++node) {
            if (!wanted_[node] || names_[node].is_constant) continue;
            if (is_given(node))
                result.given.push_back({node, names_[node].text(), {}, value(node)});
            else if (tape_.node(node).data != nullptr && !tape_.inputs(node).empty())
                result.forward.push_back(equation(node));
        }
        std::stable_partition(result.given.begin(), result.given.end(), [this](const DerivationStep& step) {
            return tape_.parameter(step.node) != nullptr;
        });
        const std::vector<bool> leads = leading_to(wrt);
        for (NodeIndex node = J_ + 1; node-- > 0;)
            if (wanted_[node] && leads[node] && tape_.node(node).data != nullptr && !is_asked(node, wrt))
                result.backward.push_back(cotangent(node));
        for (std::size_t k = 0; k < wrt.size(); ++k)
            result.gradients.push_back(wrt[k].has_value() && wanted_[*wrt[k]] ? gradient_of(*wrt[k])
                                                                              : independent(list[k]));
        return result;
    }

  private:
    // What is told, and how.

    void require_small() const {
        std::size_t operations = 0;
        for (NodeIndex node = 0; node <= J_; ++node)
            if (wanted_[node] && !tape_.inputs(node).empty()) ++operations;
        if (operations > options_.largest_graph)
            throw std::invalid_argument(
                fmt::format("derivation: the graph of J has {} operations and the options allow {}; take "
                            "fewer time steps, or raise DerivationOptions::largest_graph",
                            operations, options_.largest_graph));
    }
    bool is_part(NodeIndex node) const {
        return tape_.node(node).results == result_mark && kind(tape_.inputs(node)[0]) == OperationKind::split;
    }
    /// Leaves, and the time steps of an input; the whole is told by its parts.
    bool is_given(NodeIndex node) const {
        if (is_part(node)) return tape_.inputs(tape_.inputs(tape_.inputs(node)[0])[0]).empty();
        return tape_.inputs(node).empty() && !is_whole(node);
    }
    bool is_whole(NodeIndex node) const {
        return !users_[node].empty() &&
               std::all_of(users_[node].begin(), users_[node].end(),
                           [this](NodeIndex user) { return kind(user) == OperationKind::split; });
    }
    static bool is_asked(NodeIndex node, const std::vector<std::optional<NodeIndex>>& wrt) {
        return std::find(wrt.begin(), wrt.end(), std::optional<NodeIndex>(node)) != wrt.end();
    }
    std::vector<bool> leading_to(const std::vector<std::optional<NodeIndex>>& wrt) const {
        std::vector<bool> leads(J_ + 1, false);
        for (NodeIndex node = 0; node <= J_; ++node) {
            const auto inputs = tape_.inputs(node);
            leads[node] = is_asked(node, wrt) || std::any_of(inputs.begin(), inputs.end(),
                                                             [&](NodeIndex input) { return leads[input]; });
        }
        return leads;
    }

    std::string_view operation(NodeIndex node) const { return tape_.node(node).operation->name(); }
    const Description& formula(NodeIndex node) const { return tape_.node(node).operation->description(); }
    OperationKind kind(NodeIndex node) const { return formula(node).kind; }
    Tensor<double> value(NodeIndex node) const {
        return as_double(tape_.node(node).data, tape_.node(node).shape);
    }
    Tensor<double> cotangent_value(NodeIndex node) const {
        const Tensor<T>* cotangent = cotangents_.at(node);
        if (cotangent != nullptr) return as_double(*cotangent);
        Tensor<double> zeros = uninitialised<double>(tape_.node(node).shape);
        zeros.fill(0);
        return zeros;
    }
    std::string derivative(const std::string& name) const {
        return fmt::format("∂{}/∂{}", names_[J_].text(), name);
    }

    // The way forward.

    DerivationStep equation(NodeIndex node) const {
        DerivationTerm term{node, right_side(node), {}, {}, tape_.time_step(node), {}};
        if (const Description& known = formula(node);
            !known.equation.empty() && !known.takes_any_number() && known.kind != OperationKind::result)
            term.numbers = numbers_of(right_of(known.equation), node, {});
        return {node, names_[node].text(), {std::move(term)}, value(node)};
    }
    static std::string right_of(std::string_view equation) {
        constexpr std::string_view equals = " = ";
        const std::size_t at = equation.find(equals);
        return std::string(at == std::string_view::npos ? equation : equation.substr(at + equals.size()));
    }

    std::string right_side(NodeIndex node) const {
        if (kind(node) == OperationKind::result) {
            const NodeIndex maker = tape_.inputs(node)[0];
            return kind(maker) == OperationKind::split
                       ? fmt::format("part {} of {}", node - maker, names_[tape_.inputs(maker)[0]].text())
                       : fmt::format("{}, result {}", right_side(maker), node - maker);
        }
        const auto inputs = tape_.inputs(node);
        const Description& known = formula(node);
        if (!known.equation.empty() && !known.takes_any_number())
            return renamed(right_of(known.equation),
                           letters(node, [](const NodeName& name) { return name.text(); }));
        std::vector<std::string> names;
        for (NodeIndex input : inputs) names.push_back(names_[input].text());
        const std::string list = fmt::format("{}", fmt::join(names, ", "));
        constexpr std::string_view any_number = "x₁, x₂, …";
        std::string text = right_of(known.equation);
        if (const std::size_t at = text.find(any_number); at != std::string::npos)
            return text.replace(at, any_number.size(), list);
        return fmt::format("{}({})", operation(node), list);
    }

    /// Returns what the letters of a node's formula stand for: y, g, the arguments, and n, the elements of a
    /// mean.
    Renaming letters(NodeIndex node, const auto& text) const {
        const auto inputs = tape_.inputs(node);
        const std::vector<std::string> argument_letters = letters_of(formula(node), inputs.size());
        Renaming names;
        for (std::size_t k = 0; k < inputs.size(); ++k) names[argument_letters[k]] = text(names_[inputs[k]]);
        if (tape_.node(node).data != nullptr) {
            names["y"] = text(names_[node]);
            names["g"] = derivative(text(names_[node]));
            if (tape_.node(node).shape.size() != 0 && !inputs.empty())
                names["n"] =
                    std::to_string(tape_.node(inputs[0]).shape.size() / tape_.node(node).shape.size());
        }
        return names;
    }

    /// A formula of a node in numbers; empty if one of its tensors is too large.
    std::string numbers_of(const std::string& formula, NodeIndex node,
                           const std::optional<Tensor<double>>& g) const {
        const detail::NumeralOptions numerals{options_.printed_elements, options_.digits};
        const std::vector<std::string> argument_letters =
            letters_of(this->formula(node), tape_.inputs(node).size());
        std::map<std::string, Tensor<double>> values{{"y", value(node)}};
        if (g.has_value()) values["g"] = *g;
        for (std::size_t k = 0; k < argument_letters.size(); ++k)
            values[argument_letters[k]] = value(tape_.inputs(node)[k]);
        Renaming numbers;
        if (const auto names = letters(node, [](const NodeName& name) { return name.text(); });
            names.contains("n"))
            numbers["n"] = names.at("n");
        bool all_single = true;
        for (std::string_view piece : pieces_of(formula)) {
            const auto found = values.find(std::string(piece));
            if (found == values.end()) continue;
            if (!detail::is_printed(found->second, numerals)) return {};
            all_single = all_single && found->second.size() == 1;
            numbers[found->first] = detail::numeral(found->second, numerals);
        }
        return detail::evaluated(formula, numbers, all_single);
    }

    // The way back.

    DerivationStep cotangent(NodeIndex node) {
        DerivationStep step{node, derivative(names_[node].text()), {}, cotangent_value(node)};
        if (node == J_) {
            step.terms.push_back({node, "1", {}, {}, {}, step.value});
            return step;
        }
        for (NodeIndex user : std::vector<NodeIndex>(users_[node].rbegin(), users_[node].rend()))
            if (cotangents_.rms(user) > 0) add_term(step, user);
        return step;
    }
    /// Derives the gradient by a node, its terms in the order of time.
    DerivationStep gradient_of(NodeIndex node) {
        DerivationStep step = cotangent(node);
        std::reverse(step.terms.begin(), step.terms.end());
        return step;
    }
    DerivationStep independent(const Wrt<T>& of) const {
        const std::string name =
            of.parameter() != nullptr ? of.parameter()->name : tape_.name(of.var().index());
        Tensor<double> zeros = uninitialised<double>(of.shape());
        zeros.fill(0);
        return {J_, derivative(name.empty() ? "x" : name), {}, std::move(zeros)};
    }

    void add_term(DerivationStep& step, NodeIndex user) {
        const auto cotangent_of = [this](NodeIndex node) { return cotangents_.at(node); };
        const auto parts = contributions<T>(tape_, user, cotangent_of, {step.node});
        if (parts.empty()) return;
        const auto plain = [](const NodeName& name) { return name.text(); };
        DerivationTerm term{user,
                            rule_text(user, step.node, plain),
                            {},
                            {},
                            tape_.time_step(user),
                            as_double(parts[0].cotangent)};
        if (term.time_step.has_value()) {
            const int t = static_cast<int>(*term.time_step) + 1;
            bool is_near = true;
            term.at_any_time = rule_text(user, step.node, [&](const NodeName& name) {
                std::string text = name.text_from(t);
                is_near = is_near && !text.empty();
                return text;
            });
            if (!is_near) term.at_any_time.clear();
        }
        if (tape_.node(user).data != nullptr) term.numbers = numbers_of_rules(user, step.node);
        step.terms.push_back(std::move(term));
    }

    /// Returns which arguments of `user` a node is.
    std::vector<std::size_t> places(NodeIndex user, NodeIndex node) const {
        std::vector<std::size_t> result;
        const auto inputs = tape_.inputs(user);
        for (std::size_t k = 0; k < inputs.size(); ++k)
            if (inputs[k] == node) result.push_back(k);
        return result;
    }
    /// The rule for an argument; empty for an operation that says none. What was broadcast is
    /// summed.
    std::string rule(NodeIndex user, std::size_t argument) const {
        const Description& known = formula(user);
        if (known.rule(argument) == nullptr || known.takes_any_number()) return {};
        std::string text(known.rule(argument)->cotangent);
        if (user == J_) text = without_cotangent(text);  // which is 1
        const std::size_t own = tape_.node(tape_.inputs(user)[argument]).shape.size();
        const bool is_repeated = tape_.node(user).shape.size() > own;
        constexpr std::string_view repeated = ", repeated";
        if (tape_.node(user).shape.size() == own && text.ends_with(repeated))
            text.erase(text.size() - repeated.size());
        const bool is_summed = known.is_elementwise || known.rule(argument)->is_unchanged();
        return is_repeated && is_summed ? "sum(" + text + ")" : text;
    }
    static std::string without_cotangent(std::string text) {
        for (std::size_t at = text.find("g ⊙ "); at != std::string::npos; at = text.find("g ⊙ "))
            text.erase(at, std::string_view("g ⊙ ").size());
        return renamed(text, {{"g", "1"}});
    }

    std::string rule_text(NodeIndex user, NodeIndex node, const auto& name_text) const {
        std::vector<std::string> terms;
        for (std::size_t k : places(user, node))
            terms.push_back(rule_text(user, k, rule(user, k), name_text));
        return detail::joined(terms);
    }
    std::string rule_text(NodeIndex user, std::size_t k, const std::string& rule,
                          const auto& name_text) const {
        const OperationKind own = kind(user);
        if (!rule.empty() && own != OperationKind::split) return renamed(rule, letters(user, name_text));
        const std::vector<NodeIndex> results = detail::results_of(tape_, user);
        const std::string argument = name_text(names_[tape_.inputs(user)[k]]);
        std::vector<std::string> parts;
        for (NodeIndex result : results) {
            if (cotangents_.rms(result) == 0) continue;
            const std::string g = derivative(name_text(names_[result]));
            if (own == OperationKind::split)
                parts.push_back(g);
            else if (own == OperationKind::join)
                return fmt::format("({}) at {}", g, argument);
            else
                parts.push_back(fmt::format("{} ⊙ ∂{}/∂{}", g, name_text(names_[result]), argument));
        }
        return own == OperationKind::split ? fmt::format("({}), stacked", fmt::join(parts, ", "))
                                           : fmt::format("{}", fmt::join(parts, " + "));
    }
    std::string numbers_of_rules(NodeIndex user, NodeIndex node) const {
        std::vector<std::string> terms;
        for (std::size_t k : places(user, node)) {
            const std::string one = rule(user, k);
            terms.push_back(one.empty() ? one : numbers_of(one, user, cotangent_value(user)));
            if (terms.back().empty()) return {};
        }
        return detail::joined(terms);
    }

    Tape<T>& tape_;
    NodeIndex J_;
    DerivationOptions options_;
    std::vector<bool> wanted_;
    detail::Cotangents<T> cotangents_;
    std::vector<NodeName> names_;
    std::vector<std::vector<NodeIndex>> users_;
};

template <class T>
Derivation derived(const Var<T>& J, const WrtList<T>& wrt, const DerivationOptions& options) {
    if (J.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("derivation: J is {}; it must have one element", J.shape().text()));
    const Tape<T>& tape = J.tape();
    tape.require_unchanged_parameters();
    std::vector<std::optional<NodeIndex>> nodes;
    for (const Wrt<T>& one : wrt.list()) {
        std::optional<NodeIndex> node = detail::find_node(tape, one, "derivation");
        if (node.has_value() && *node > J.index()) node.reset();
        nodes.push_back(node);
    }
    return Deriving<T>(J, nodes, options).derive(nodes, wrt.list());
}

}  // namespace

Derivation derivation(const Var<float>& J, const WrtList<float>& wrt, const DerivationOptions& options) {
    return derived(J, wrt, options);
}
Derivation derivation(const Var<double>& J, const WrtList<double>& wrt, const DerivationOptions& options) {
    return derived(J, wrt, options);
}

}  // namespace tapeloop
