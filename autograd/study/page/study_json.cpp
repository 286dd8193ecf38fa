#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/study/flow/gate_names.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/study/page/graph_json.hpp>
#include <autograd/study/page/jacobian_json.hpp>
#include <autograd/study/page/largest_within.hpp>
#include <autograd/study/page/ledger_parameter.hpp>
#include <autograd/study/page/parameter_names.hpp>
#include <autograd/study/page/play_text.hpp>
#include <autograd/study/page/step_norms.hpp>
#include <autograd/study/page/study_json.hpp>
#include <autograd/study/page/tensor_json.hpp>
#include <autograd/study/page/why_json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <span>

namespace tapeloop::detail {
namespace {

using nlohmann::json;

/// Returns how fine the grids of all tensors can be: values, cotangents, and a contribution for each edge.
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

json formula_json(const Description& formula) {
    json rules = json::array();
    for (const Description::Rule& rule : std::span(formula.rules, formula.rule_count()))
        rules.push_back({{"argument", rule.argument}, {"cotangent", rule.cotangent}});
    return {{"equation", formula.equation}, {"rules", std::move(rules)}};
}

/// The formulas of a graph, each once; its nodes get their places in that list.
json formulas_json(const Graph& graph, json& nodes) {
    json formulas = json::array();
    std::map<const Description*, std::size_t> places;
    std::size_t at = 0;
    for (const GraphNode& node : graph) {
        json& made = nodes[at++];
        const Description* formula = node.description;
        if (formula == nullptr || formula->equation.empty() || node.inputs.empty()) continue;
        const auto [place, first] = places.try_emplace(formula, formulas.size());
        if (first) formulas.push_back(formula_json(*formula));
        made["formula"] = place->second;
    }
    return formulas;
}

/// Adds to each node that is in the step of a loop over time which loop that is, and the step's place in it;
/// and to those that a later step of it uses the letter of a state: h for what a product of that step reads,
/// c for what is only carried on.
void add_loops(const Graph& graph, json& nodes) {
    const TimeLoops loops = find_loops(graph);
    const auto is_later = [](const StepPlace& own, const StepPlace& other) {
        return own.loop == other.loop && own.order < other.order;
    };
    std::size_t at = 0;
    for (const GraphNode& node : graph) {
        json& made = nodes[at++];
        const auto found = loops.places.find(node.index);
        if (found == loops.places.end()) continue;
        made["loop"] = found->second.loop;
        made["order"] = found->second.order;
        for (NodeIndex user : node.users) {
            const auto place = loops.places.find(user);
            if (place == loops.places.end() || !is_later(found->second, place->second)) continue;
            const bool is_read =
                graph[user].description != nullptr && graph[user].description->kind == OperationKind::product;
            if (is_read || !made.contains("state")) made["state"] = is_read ? "h" : "c";
        }
    }
}

/// Adds to each gate what the cell calls it.
template <class T>
void add_gates(Tape<T>& tape, const std::vector<std::string>& gates, json& nodes) {
    for (json& node : nodes) {
        const auto index = node["id"].get<NodeIndex>();
        if (!is_squash_of_step(tape, index)) continue;
        if (const std::optional<std::string> name = gate_name(tape, index, gates)) node["gate"] = *name;
    }
}

std::string name_of(const GradientLedger& ledger, const Graph& graph,
                    const std::map<NodeIndex, std::string>& names) {
    const std::optional<NodeIndex> parameter = ledger_parameter(ledger, graph);
    return parameter.has_value() ? names.at(*parameter) : ledger.parameter;
}

/// The norms of a ledger as decadic logarithms, each the mean of a block of pairs where there are too many:
/// zeros, which nothing contributes, are -inf.
json decades_of_norms(const Tensor<double>& norms, std::size_t largest_grid) {
    const Blocks blocks = blocks_of(norms, largest_grid);
    std::vector<double> decades;
    for (double mean : blocks.means) decades.push_back(std::log10(mean));
    return {{"grid", {blocks.rows, blocks.columns}}, {"data", base64_of(std::span<const double>(decades))}};
}

/// The shares of a ledger, added up over the same blocks, so that all cells add up to 1.
json sums_of_shares(const Tensor<double>& shares, std::size_t largest_grid) {
    const Blocks blocks = blocks_of(shares, largest_grid);
    const auto size_of = [](std::size_t cell, std::size_t extent, std::size_t cells) {
        const std::size_t begin = cell * extent / cells;
        const std::size_t end = (cell + 1) * extent / cells;
        return static_cast<double>(end - begin);
    };
    std::vector<double> sums = blocks.means;
    for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i] *= size_of(i / blocks.columns, shares.shape(0), blocks.rows) *
                   size_of(i % blocks.columns, shares.shape(1), blocks.columns);
    return {{"grid", {blocks.rows, blocks.columns}}, {"data", base64_of(std::span<const double>(sums))}};
}

/// Returns how fine the grids of all ledgers can be, of their norms and their shares.
std::size_t ledger_grid_within(const std::vector<GradientLedger>& ledgers, std::size_t limit) {
    constexpr std::array<std::size_t, 12> sizes{4096, 2048, 1024, 768, 512, 384, 256, 192, 128, 64, 32, 16};
    const std::size_t grid = largest_within(sizes, limit, [&](std::size_t size) {
        std::size_t bytes = 0;
        for (const GradientLedger& ledger : ledgers)
            bytes += 2 * tensor_text_bytes(shape_of(ledger.norms), size);
        return bytes;
    });
    return std::max<std::size_t>(grid, 1);
}

json ledgers_json(const std::vector<GradientLedger>& ledgers, const Graph& graph,
                  const std::map<NodeIndex, std::string>& names, std::size_t bytes) {
    json list = json::array();
    const std::size_t grid = ledger_grid_within(ledgers, bytes);
    for (const GradientLedger& ledger : ledgers) {
        json uses = json::array();
        for (const ParameterUse& use : ledger.uses)
            uses.push_back(use.time_step.has_value() ? json(*use.time_step) : json());
        list.push_back(
            {{"parameter", name_of(ledger, graph, names)},
             {"losses", ledger.losses},
             {"uses", std::move(uses)},
             {"gradient", number_json(norm_of(ledger.gradient))},
             {"deviation", number_json(ledger.deviation)},
             {"decades", decades_of_norms(ledger.norms, grid)},
             {"shares",
              ledger.shares.size() == ledger.norms.size() ? sums_of_shares(ledger.shares, grid) : json()}});
    }
    return list;
}

/// Decadic logarithms of what is given in natural ones: -inf stays.
json decades_json(std::vector<double> logarithms) {
    for (double& logarithm : logarithms) logarithm /= std::numbers::ln10;
    return numbers_json(logarithms);
}

json spectrum_json(const JacobianSpectrum& spectrum) {
    json steps = json::array();
    for (const StepSpectrum& step : spectrum.steps)
        steps.push_back({{"time", step.time_step},
                         {"singular_values", numbers_json(step.singular_values)},
                         {"spectral_radius", number_json(step.spectral_radius)},
                         {"bound", number_json(step.bound())}});
    json products = json::array();
    for (const ProductSpectrum& product : spectrum.products)
        products.push_back({{"distance", product.distance},
                            {"decades", decades_json(product.log_singular_values)},
                            {"bound", number_json(product.log_bound / std::numbers::ln10)}});
    return {{"row", spectrum.row},
            {"steps", std::move(steps)},
            {"products", std::move(products)},
            {"exponents", numbers_json(spectrum.exponents)},
            {"flow", name_of(spectrum.flow)}};
}

json film_json(const StudyRecorder& film) {
    json frames = json::array();
    for (const std::string& frame : film.frames()) frames.push_back(json::parse(frame));
    return frames;
}

template <class T>
json saturation_json(Tape<T>& tape, const std::vector<std::string>& gates) {
    json list = json::array();
    for (const GateSaturation& gate : gate_saturation(tape, gates))
        list.push_back({{"gate", gate.gate},
                        {"op", gate.operation},
                        {"role", name_of(gate.role)},
                        {"limits", {gate.limits.low, gate.limits.high}},
                        {"mean", numbers_json(gate.means)},
                        {"low", numbers_json(gate.low)},
                        {"high", numbers_json(gate.high)}});
    return list;
}

}  // namespace

template <class T>
json study_json(Tape<T>& tape, const Gradients<T>& gradients, const StudyOptions& options) {
    const Graph graph = read_graph(tape, gradients, {.values = true});
    const std::map<NodeIndex, std::string> names = parameter_names(graph);
    // A quarter for Jacobians, an eighth for ledgers, the rest for the grids.
    const std::size_t grid = grid_within(graph, options.largest_bytes / 8 * 5);

    json contributed = json::array();
    StepNorms norms(graph, names);
    const std::vector<NodeIndex> roots =
        backward_wave<T>(tape, gradients, [&](NodeIndex node, const Contribution<T>& contribution) {
            contributed.push_back(
                {{"node", node},
                 {"input", contribution.input},
                 {"tensor", tensor_json(contribution.cotangent, grid, TensorDetail::brief)}});
            norms.add(node, contribution);
        });
    json nodes = graph_json(graph, grid, TensorDetail::brief);
    json formulas = formulas_json(graph, nodes["nodes"]);
    add_loops(graph, nodes["nodes"]);
    add_gates(tape, options.gates, nodes["nodes"]);
    const std::optional<NodeIndex> J = single_loss(graph, roots);
    // Of each as much as of the ledgers.
    const std::size_t bytes = options.largest_bytes / 8;
    json made{{"format", "tapeloop study"},
              {"version", 1},
              {"title", options.title},
              {"scalar", sizeof(T) == sizeof(float) ? "float" : "double"},
              {"graph", std::move(nodes)},
              {"formulas", std::move(formulas)},
              {"roots", roots},
              {"contributions", std::move(contributed)},
              {"jacobians", jacobians_json(tape, graph, options.largest_bytes / 4)},
              {"gradient_norms", norms.json()},
              {"used_outside_steps", norms.used_outside_steps()},
              {"ledgers", ledgers_json(options.ledgers, graph, names, bytes)},
              {"steps", options.steps},
              {"why", J.has_value() ? why_json(tape, graph, *J, bytes) : json()},
              {"equations", J.has_value() ? equations_json(tape, graph, *J, bytes) : json()},
              {"spectrum", options.spectrum.has_value() ? spectrum_json(*options.spectrum) : json()},
              {"film", film_json(options.film)},
              {"film_axis", options.film.axis()},
              {"saturation", saturation_json(tape, options.gates)}};
    if (options.playground.has_value()) made["play"] = play_text(tape, graph, J, options);
    return made;
}

template json study_json(Tape<float>&, const Gradients<float>&, const StudyOptions&);
template json study_json(Tape<double>&, const Gradients<double>&, const StudyOptions&);

}  // namespace tapeloop::detail
