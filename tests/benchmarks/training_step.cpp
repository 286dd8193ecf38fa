// Measures one training step of recurrent layers, ours beside other libraries', after checking that all of
// them compute the same. `training_step --help` lists the options.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>

#include "contenders.hpp"
#include "measure.hpp"
#include "report.hpp"

namespace tapeloop::benchmarks {

namespace {

struct Entrant {
    Label label;
    std::function<std::unique_ptr<Contender>(const Problem&)> make;
    bool same_update = true;  // false: its parameters are others than the problem's, and so is its SGD update
    // Why it takes no part at a cell and size, empty where it does; null where it always does.
    std::function<std::string(CellKind, Size)> omission = nullptr;
};

// LibTorch's layer has two biases where one would do; both follow the gradient, so their sum moves twice as
// far.
const std::vector<Entrant> entrants = {
    {{"tapeloop", "operations", Role::own},
     [](const Problem& p) { return make_tapeloop(p, Style::operations, false); }},
    {{"tapeloop", "map", Role::own}, [](const Problem& p) { return make_tapeloop(p, Style::map, false); }},
    {{"tapeloop", "program", Role::own}, [](const Problem& p) { return make_tapeloop(p, Style::map, true); }},
    {{"libtorch", "layer", Role::peer}, make_libtorch_layer, false},
    {{"libtorch", "cell", Role::peer}, make_libtorch_cell},
    {{"onednn", "primitive", Role::peer}, make_onednn_primitive},
    {{"libxsmm", "", Role::peer}, make_libxsmm_rnncell, true, libxsmm_omission},
    {{"hand", "written", Role::peer}, make_hand_written},
    {{"gemms", "alone", Role::limit}, make_gemms_alone},
};

constexpr std::array<Size, 7> standard_sizes = {
    {{50, 1, 16}, {50, 1, 32}, {50, 8, 64}, {50, 16, 128}, {50, 32, 256}, {35, 64, 512}, {35, 64, 1024}}};

// The gradients of float32 products summed in another order differ by about 1e-6; a wrong formula by far
// more.
constexpr double tolerance = 1e-4;

using Team = std::vector<std::unique_ptr<Contender>>;  // one for each entrant, null where it is not available

// Throws where two results differ, and returns by how much they do otherwise.
double require_agreement(const Label& label, const char* when, const Results& reference,
                         const Results& results) {
    const Difference difference = largest_difference(reference, results);
    if (difference.value <= tolerance) return difference.value;
    throw std::runtime_error(
        fmt::format("{}: {} differs from the reference by {:.2g} in {}, more than {:.0e}", label.text(), when,
                    difference.value, difference.where, tolerance));
}

// The first contender whose parameters are the problem's: LibTorch's differentiation of the written-out cell,
// if any.
std::size_t reference_among(const Team& team) {
    for (std::size_t i = 0; i < team.size(); ++i) {
        if (team[i] != nullptr && entrants[i].label.role == Role::peer && entrants[i].same_update) return i;
    }
    throw std::logic_error("training_step: no contender to check the others against");
}

// Compares loss and gradients at the initial parameters, and again after an update, which checks the update
// as well. Returns the largest difference.
double check_agreement(const Team& team) {
    Contender& reference = *team[reference_among(team)];
    reference.step(0.0F);
    const Results at_start = reference.results();
    const float learning_rate = visible_learning_rate(at_start);
    reference.step(learning_rate);
    reference.step(0.0F);
    const Results after_update = reference.results();

    double largest = 0;
    for (std::size_t i = 0; i < team.size(); ++i) {
        const auto& [label, make, same_update, omission] = entrants[i];
        if (team[i] == nullptr || team[i].get() == &reference || label.role == Role::limit) continue;
        team[i]->step(0.0F);
        largest = std::max(largest, require_agreement(label, "the first step", at_start, team[i]->results()));
        if (!same_update) continue;
        team[i]->step(learning_rate);
        team[i]->step(0.0F);
        largest =
            std::max(largest, require_agreement(label, "the updated step", after_update, team[i]->results()));
    }
    return largest;
}

struct Options {
    int threads = 1;
    bool quick = false;
    std::vector<CellKind> cells = {CellKind::lstm, CellKind::gru, CellKind::elman};
    std::vector<Size> sizes{standard_sizes.begin(), standard_sizes.end()};
    std::string json_file;
};

Row measure(CellKind cell, Size size, const Options& options, double& largest) {
    const Problem problem = make_problem(cell, size);
    Team team;
    for (const Entrant& entrant : entrants) team.push_back(entrant.make(problem));
    largest = std::max(largest, check_agreement(team));

    std::vector<Contender*> present;
    for (const auto& contender : team) {
        if (contender != nullptr) present.push_back(contender.get());
    }
    Budget budget;
    if (options.quick)
        budget = {.seconds_each = 0.2, .fewest_rounds = 5, .most_rounds = 50, .turn_ms = 0.5, .pause_ms = 0};
    if (options.threads > 1) budget.pause_ms = 30;
    const std::vector<Timing> timings = measure_in_turns(present, budget);

    Row row{cell, size, options.threads, {}};
    auto next = timings.begin();
    for (const auto& contender : team) {
        row.timings.push_back(contender != nullptr ? std::optional(*next++) : std::nullopt);
    }
    return row;
}

void report_absent() {
    const Problem smallest = make_problem(CellKind::elman, {2, 1, 16});
    for (const Entrant& entrant : entrants) {
        if (entrant.make(smallest) != nullptr) continue;
        fmt::print("{} is left out: it was not installed when this program was built\n",
                   entrant.label.text());
    }
}

void report_omissions(CellKind cell, const std::vector<Size>& sizes) {
    for (const Entrant& entrant : entrants) {
        if (!entrant.omission) continue;
        std::set<std::string> reasons;
        for (const Size size : sizes) reasons.insert(entrant.omission(cell, size));
        reasons.erase("");
        for (const std::string& reason : reasons)
            fmt::print("{} is left out: {}\n", entrant.label.text(), reason);
    }
}

void run(const Options& options) {
    std::ofstream json;
    if (!options.json_file.empty()) {
        json.open(options.json_file);
        if (!json) throw std::runtime_error("training_step: cannot write " + options.json_file);
    }
    set_thread_count(options.threads);
    report_absent();
    std::vector<Label> labels;
    for (const Entrant& entrant : entrants) labels.push_back(entrant.label);

    std::vector<Row> rows;
    double largest = 0;
    for (const CellKind cell : options.cells) {
        print_heading(labels, cell, options.threads);
        for (const Size size : options.sizes) {
            rows.push_back(measure(cell, size, options, largest));
            print_row(labels, rows.back());
        }
        report_omissions(cell, options.sizes);
    }
    print_ratios(labels, rows);
    fmt::print(
        "\nAll agree on loss and gradients, before and after an update: relative differences up to {:.1e}.\n",
        largest);
    if (json.is_open()) write_json(json, labels, rows);
}

Options parse(int argc, char** argv, CLI::App& app) {
    Options options;
    std::vector<Index> size;
    std::string cell;
    const std::map<std::string, CellKind> cells = {
        {"elman", CellKind::elman}, {"gru", CellKind::gru}, {"lstm", CellKind::lstm}};
    app.add_option("--threads", options.threads, "threads of every library: 1 or 2")->check(CLI::Range(1, 2));
    app.add_option("--cell", cell, "measure one cell only")->check(CLI::IsMember({"lstm", "gru", "elman"}));
    auto* size_option = app.add_option("--size", size, "measure one size only: T,B,H")
                            ->delimiter(',')
                            ->expected(3)
                            ->check(CLI::Range(1, 1 << 20));
    app.add_flag("--quick", options.quick, "fewer and shorter turns");
    app.add_option("--json", options.json_file, "also write the measurements to this file");
    app.parse(argc, argv);
    if (!cell.empty()) options.cells = {cells.at(cell)};
    if (size_option->count() > 0) options.sizes = {{size[0], size[1], size[2]}};
    return options;
}

}  // namespace

}  // namespace tapeloop::benchmarks

int main(int argc, char** argv) {
    CLI::App app{"Times one training step of recurrent layers: forward, loss, backward with dX, SGD update."};
    try {
        tapeloop::benchmarks::run(tapeloop::benchmarks::parse(argc, argv, app));
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::fflush(stdout);
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
    return 0;
}
