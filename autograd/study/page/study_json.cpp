#include <autograd/study/backward_wave.hpp>
#include <autograd/study/formula.hpp>
#include <autograd/study/gate_saturation.hpp>
#include <autograd/study/local_jacobian.hpp>
#include <autograd/study/page/graph_json.hpp>
#include <autograd/study/page/step_norms.hpp>
#include <autograd/study/page/study_json.hpp>
#include <autograd/study/page/tensor_json.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace tapeloop::detail {
namespace {

using nlohmann::json;

/// The largest of some sizes for which `bytes(size)` stays within `limit`; 0 if none does.
template <std::size_t N, class Bytes>
std::size_t largest_within(const std::array<std::size_t, N>& sizes, std::size_t limit, const Bytes& bytes) {
    const auto fits = [&](std::size_t size) { return bytes(size) <= limit; };
    const auto found = std::find_if(sizes.begin(), sizes.end(), fits);
    return found == sizes.end() ? 0 : *found;
}

/// How fine the grids of all tensors can be: values, cotangents, and a contribution for each edge.
std::size_t grid_within(const Graph& graph, std::size_t limit) {
    constexpr std::array<std::size_t, 10> sizes{48, 40, 32, 24, 16, 12, 8, 6, 4, 2};
    const std::size_t grid = largest_within(sizes, limit, [&](std::size_t size) {
        std::size_t bytes = 0;
        for (const GraphNode& node : graph)
            if (node.value.has_value())
                bytes += (1 + (node.cotangent.has_value() ? 1 + node.users.size() : 0)) *
                         tensor_text_bytes(node.shape, size);
        return bytes;
    });
    return std::max<std::size_t>(grid, 1);
}

/// How many elements a node and its input may have for their Jacobian to be shown.
std::size_t jacobian_elements_within(const Graph& graph, std::size_t limit) {
    constexpr std::array<std::size_t, 5> sizes{64, 32, 16, 8, 4};
    return largest_within(sizes, limit, [&](std::size_t size) {
        std::size_t bytes = 0;
        for (const GraphNode& node : graph)
            for (Index input : node.inputs)
                if (node.shape.size() <= size && graph[input].shape.size() <= size)
                    bytes += node.shape.size() * graph[input].shape.size() * 16 / 3;
        return bytes;
    });
}

json formula_json(const Formula& formula) {
    json rules = json::array();
    for (const Rule& rule : formula.rules)
        rules.push_back({{"argument", rule.argument}, {"cotangent", rule.cotangent}});
    return {{"equation", formula.equation}, {"rules", std::move(rules)}};
}

/// The formulas of a graph, each once; its nodes get their places in that list.
json formulas_json(const Graph& graph, json& nodes) {
    json formulas = json::array();
    std::map<const Formula*, std::size_t> places;
    std::size_t at = 0;
    for (const GraphNode& node : graph) {
        json& made = nodes[at++];
        const Formula* formula = formula_of(node.operation, node.arguments);
        if (formula == nullptr || node.inputs.empty()) continue;
        const auto [place, first] = places.try_emplace(formula, formulas.size());
        if (first) formulas.push_back(formula_json(*formula));
        made["formula"] = place->second;
    }
    return formulas;
}

template <class T>
json jacobians_json(Tape<T>& tape, std::size_t largest) {
    json list = json::array();
    for (Index node = 0; largest > 0 && node < tape.size(); ++node) {
        for (const LocalJacobian& jacobian : local_jacobians(tape, node, largest)) {
            const auto inputs = tape.inputs(node);
            const auto argument = std::find(inputs.begin(), inputs.end(), jacobian.input) - inputs.begin();
            list.push_back(
                {{"node", node}, {"argument", argument}, {"tensor", tensor_json(jacobian.matrix, largest)}});
        }
    }
    return list;
}

json ledgers_json(const std::vector<StudyLedger>& ledgers) {
    json list = json::array();
    for (const StudyLedger& ledger : ledgers) {
        const Shape shape = shape_of(ledger.norms);
        json matrix = json::array();
        for (std::size_t row = 0; row < shape[0]; ++row)
            matrix.push_back(numbers_json({ledger.norms.data() + row * shape[1], shape[1]}));
        list.push_back({{"parameter", ledger.parameter},
                        {"rows", ledger.rows},
                        {"columns", ledger.columns},
                        {"matrix", std::move(matrix)}});
    }
    return list;
}

json spectra_json(const StudySpectra& spectra) {
    json steps = json::array();
    for (const auto& step : spectra.steps)
        steps.push_back({{"singular_values", numbers_json(step.singular_values)},
                         {"spectral_radius", number_json(step.spectral_radius)}});
    json products = json::array();
    for (const auto& product : spectra.products)
        products.push_back({{"from", product.from},
                            {"to", product.to},
                            {"singular_values", numbers_json(product.singular_values)}});
    return {{"state", spectra.state},
            {"steps", std::move(steps)},
            {"products", std::move(products)},
            {"lyapunov", numbers_json(spectra.lyapunov)}};
}

template <class T>
json saturation_json(Tape<T>& tape, const std::vector<std::string>& gates) {
    json list = json::array();
    for (const GateSaturation& gate : gate_saturation(tape, gates))
        list.push_back({{"gate", gate.gate}, {"op", gate.operation}, {"by_step", numbers_json(gate.shares)}});
    return list;
}

}  // namespace

template <class T>
json study_json(Tape<T>& tape, const Gradients<T>& gradients, const StudyOptions& options) {
    const Graph graph = read_graph(tape, gradients, {.values = true});
    // A quarter for Jacobians, the rest for the grids.
    const std::size_t grid = grid_within(graph, options.largest_bytes / 4 * 3);
    const std::size_t largest = jacobian_elements_within(graph, options.largest_bytes / 4);

    json contributed = json::array();
    StepNorms norms(graph);
    const std::vector<Index> roots =
        backward_wave<T>(tape, gradients, [&](Index node, const Contribution<T>& contribution) {
            contributed.push_back({{"node", node},
                                   {"input", contribution.input},
                                   {"tensor", tensor_json(contribution.cotangent, grid)}});
            norms.add(node, contribution);
        });
    json nodes = graph_json(graph, grid);
    json formulas = formulas_json(graph, nodes["nodes"]);
    return {{"format", "tapeloop study"},
            {"version", 1},
            {"title", options.title},
            {"scalar", sizeof(T) == sizeof(float) ? "float" : "double"},
            {"graph", std::move(nodes)},
            {"formulas", std::move(formulas)},
            {"roots", roots},
            {"contributions", std::move(contributed)},
            {"jacobians", jacobians_json(tape, largest)},
            {"gradient_norms", norms.json()},
            {"ledgers", ledgers_json(options.ledgers)},
            {"spectra", spectra_json(options.spectra)},
            {"saturation", saturation_json(tape, options.gates)}};
}

template json study_json(Tape<float>&, const Gradients<float>&, const StudyOptions&);
template json study_json(Tape<double>&, const Gradients<double>&, const StudyOptions&);

}  // namespace tapeloop::detail
