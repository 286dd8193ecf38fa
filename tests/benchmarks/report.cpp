#include "report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace tapeloop::benchmarks {

namespace {

constexpr int size_width = 14;

int width_of(const Label& label) { return std::max(10, static_cast<int>(label.text().size()) + 2); }

std::string size_text(Size size, char separator) {
    return fmt::format("{1}{0}{2}{0}{3}", separator, size.steps, size.batch, size.hidden);
}

nlohmann::ordered_json to_json(const std::vector<Label>& labels, const Row& row, std::size_t own) {
    const Timing& timing = *row.timings[own];
    nlohmann::ordered_json peers = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (i == own || !row.timings[i]) continue;
        const double peer_ms = row.timings[i]->median_ms;
        peers[labels[i].text()] = {{"median_ms", peer_ms},
                                   {"ratio", timing.median_ms / peer_ms},
                                   {"times_faster", peer_ms / timing.median_ms}};
    }
    return {{"case", fmt::format("training_step/{}/{}", name_of(row.cell), size_text(row.size, 'x'))},
            {"cell", name_of(row.cell)},
            {"name", labels[own].name},
            {"style", labels[own].style},
            {"T", row.size.steps},
            {"B", row.size.batch},
            {"I", row.size.hidden},
            {"H", row.size.hidden},
            {"threads", row.threads},
            {"median_ms", timing.median_ms},
            {"lower_quartile_ms", timing.lower_quartile_ms},
            {"upper_quartile_ms", timing.upper_quartile_ms},
            {"rounds", timing.rounds},
            {"steps_per_turn", timing.steps_per_turn},
            {"peers", peers}};
}

}  // namespace

void print_heading(const std::vector<Label>& labels, CellKind cell, int threads) {
    fmt::print("\n{}, {} thread{}, median milliseconds of a training step\n{:<{}}", name_of(cell), threads,
               threads == 1 ? "" : "s", "T,B,H", size_width);
    for (const Label& label : labels) fmt::print("{:>{}}", label.text(), width_of(label));
    fmt::print("{:>8}\n", "rounds");
}

void print_row(const std::vector<Label>& labels, const Row& row) {
    int rounds = 0;
    fmt::print("{:<{}}", size_text(row.size, ','), size_width);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (row.timings[i]) {
            fmt::print("{:>{}.4g}", row.timings[i]->median_ms, width_of(labels[i]));
            rounds = row.timings[i]->rounds;
        } else {
            fmt::print("{:>{}}", "-", width_of(labels[i]));
        }
    }
    fmt::print("{:>8}\n", rounds);
    std::fflush(stdout);
}

void print_ratios(const std::vector<Label>& labels, const std::vector<Row>& rows) {
    for (std::size_t own = 0; own < labels.size(); ++own) {
        if (labels[own].role != Role::own) continue;
        fmt::print("\n{}: times faster than\n{:<{}}", labels[own].text(), "cell T,B,H", size_width + 6);
        for (const Label& label : labels) fmt::print("{:>{}}", label.text(), width_of(label));
        fmt::print("\n");
        for (const Row& row : rows) {
            if (!row.timings[own]) continue;
            const std::string name = name_of(row.cell) + " " + size_text(row.size, ',');
            fmt::print("{:<{}}", name, size_width + 6);
            for (std::size_t i = 0; i < labels.size(); ++i) {
                const auto& timing = row.timings[i];
                const std::string text =
                    timing ? fmt::format("{:.3g}", timing->median_ms / row.timings[own]->median_ms) : "-";
                fmt::print("{:>{}}", text, width_of(labels[i]));
            }
            fmt::print("\n");
        }
    }
}

void write_json(std::ostream& out, const std::vector<Label>& labels, const std::vector<Row>& rows) {
    nlohmann::ordered_json measurements = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < labels.size(); ++i) {
            if (row.timings[i]) measurements.push_back(to_json(labels, row, i));
        }
    }
    out << measurements.dump(2) << '\n';
}

}  // namespace tapeloop::benchmarks
