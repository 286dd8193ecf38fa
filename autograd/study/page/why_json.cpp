#include <autograd/study/derivation/equations.hpp>
#include <autograd/study/explain/answer.hpp>
#include <autograd/study/explain/explainer.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/study/page/tensor_json.hpp>
#include <autograd/study/page/why_json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace tapeloop::detail {
namespace {

using nlohmann::json;

// Steps of all paths together that are looked at, so that a long network takes about a second.
constexpr std::size_t most_path_steps = 1'000'000;
// About the text of one node: sentence and reasons, or its two equations.
constexpr std::size_t bytes_of_node = 400;

/// Returns whether a later step of its loop takes a node.
bool is_state(const Graph& graph, const GraphNode& node, const TimeLoops& loops) {
    const auto own = loops.places.find(node.index);
    if (own == loops.places.end()) return false;
    return std::any_of(node.users.begin(), node.users.end(), [&](NodeIndex user) {
        const auto place = loops.places.find(user);
        return graph.contains(user) && place != loops.places.end() &&
               place->second.loop == own->second.loop && place->second.order > own->second.order;
    });
}

/// The nodes of a graph in the order in which they are asked about.
std::vector<NodeIndex> by_importance(const Graph& graph) {
    const TimeLoops loops = find_loops(graph);
    std::vector<NodeIndex> parameters;
    std::vector<NodeIndex> states;
    std::vector<NodeIndex> others;
    for (const GraphNode& node : graph) {
        if (node.kind == NodeKind::parameter)
            parameters.push_back(node.index);
        else
            (is_state(graph, node, loops) ? states : others).push_back(node.index);
    }
    parameters.insert(parameters.end(), states.begin(), states.end());
    parameters.insert(parameters.end(), others.begin(), others.end());
    return parameters;
}

/// Texts by their places in a list, each once: many nodes share their reasons.
class Texts {
  public:
    std::size_t place_of(const std::string& text) {
        const auto [known, is_new] = places_.try_emplace(text, list_.size());
        if (is_new) list_.push_back(text);
        return known->second;
    }
    json list() { return std::move(list_); }

  private:
    std::map<std::string, std::size_t> places_;
    json list_ = json::array();
};

json row_json(const AnswerRow& row, Texts& texts) {
    // As many digits as are shown.
    const auto rounded = [](double decades) { return std::round(100 * decades) / 100; };
    return {texts.place_of(row.text), row.decades.has_value() ? number_json(rounded(*row.decades)) : json(),
            row.node.has_value() ? json(*row.node) : json(), row.is_part};
}

json answer_json(const Explanation& explanation, std::optional<NodeIndex> usual_from, Texts& texts) {
    json rows = json::array();
    for (const AnswerRow& row : answer_rows(explanation)) rows.push_back(row_json(row, texts));
    json made{{"size", name_of(explanation.size)},
              {"gradient", number_json(explanation.gradient)},
              {"sentence", sentence_of(explanation)},
              {"rows", std::move(rows)}};
    if (!explanation.path.empty() && explanation.path.back().node != usual_from)
        made["from"] = explanation.path.back().node;
    return made;
}

/// Parameters, and data that the graph was given: what derivatives are taken by.
template <class T>
WrtList<T> leaves_of(Tape<T>& tape, const Graph& graph) {
    std::vector<Wrt<T>> leaves;
    for (const GraphNode& node : graph)
        if (node.inputs.empty() && node.shape.size() > 1) leaves.emplace_back(tape.var(node.index));
    return leaves;
}

}  // namespace

std::optional<NodeIndex> single_loss(const Graph& graph, const std::vector<NodeIndex>& roots) {
    if (roots.size() != 1 || graph[roots.front()].shape.size() != 1) return {};
    return roots.front();
}

template <class T>
json why_json(Tape<T>& tape, const Graph& graph, NodeIndex J, std::size_t bytes) {
    Explainer<T> explainer(tape.var(J));
    json from = json::array();
    for (const GraphNode& node : graph) {
        const std::optional<NodeIndex> user = explainer.paths().from(node.index);
        from.push_back(user.has_value() ? json(*user) : json());
    }
    json answers = json::object();
    Texts texts;
    std::size_t steps = 0;
    for (NodeIndex node : by_importance(graph)) {
        if (steps > most_path_steps || (answers.size() + 1) * bytes_of_node > bytes) break;
        const Explanation explanation = explainer.of(node);
        steps += explanation.path.size();
        answers[std::to_string(node)] = answer_json(explanation, explainer.paths().from(node), texts);
    }
    return {{"J", J}, {"from", std::move(from)}, {"texts", texts.list()}, {"answers", std::move(answers)}};
}

template <class T>
json equations_json(Tape<T>& tape, const Graph& graph, NodeIndex J, std::size_t bytes) {
    if (graph.size() * bytes_of_node > bytes) return {};
    DerivationOptions options;
    options.largest_graph = std::numeric_limits<std::size_t>::max();
    const Derivation derived = derivation(tape.var(J), leaves_of(tape, graph), options);
    json made = json::object();
    const auto add = [&](const std::vector<DerivationStep>& list, const char* name) {
        const std::vector<Equation> equations = equations_of(list, options);
        for (std::size_t k = 0; k < list.size(); ++k)
            if (!equations[k].sides.empty())
                made[std::to_string(list[k].node)][name] = {{"left", equations[k].left},
                                                            {"sides", equations[k].sides}};
    };
    // What J does not depend on has no terms, and no node of its own in the list.
    std::vector<DerivationStep> gradients = derived.gradients;
    std::erase_if(gradients, [J](const DerivationStep& step) { return step.node == J; });
    add(derived.given, "value");
    add(derived.forward, "value");
    add(derived.backward, "cotangent");
    add(gradients, "cotangent");
    return made;
}

template json why_json(Tape<float>&, const Graph&, NodeIndex, std::size_t);
template json why_json(Tape<double>&, const Graph&, NodeIndex, std::size_t);
template json equations_json(Tape<float>&, const Graph&, NodeIndex, std::size_t);
template json equations_json(Tape<double>&, const Graph&, NodeIndex, std::size_t);

}  // namespace tapeloop::detail
