#include <fmt/format.h>
#include <nn/check/bptt/bptt_report.hpp>
#include <nn/check/indented.hpp>

#include <algorithm>

namespace tapeloop::nn {

using namespace detail;

namespace {

// A report of a large model is not read beyond this.
constexpr std::size_t most_rows = 16;
constexpr std::size_t most_places = 10;
constexpr std::size_t most_notes = 8;

bool agrees(const Deviation& deviation, double limit) { return deviation.relative <= limit; }

/// `t=0 to t=4, t=7`
std::string listed(const std::vector<std::size_t>& time_steps) {
    std::string text;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < time_steps.size();) {
        std::size_t end = i + 1;
        while (end < time_steps.size() && time_steps[end] == time_steps[end - 1] + 1) ++end;
        if (shown++ == most_places) return text + ", ...";
        if (!text.empty()) text += ", ";
        text += fmt::format("t={}", time_steps[i]);
        if (end - i > 1) text += fmt::format(" to t={}", time_steps[end - 1]);
        i = end;
    }
    return text;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most_places); ++i)
        text += (i == 0 ? "" : ", ") + names[i];
    return text + (names.size() > most_places ? ", ..." : "");
}

std::vector<std::size_t> steps_of(const BpttReport& report, StepVerdict verdict) {
    std::vector<std::size_t> steps;
    for (std::size_t t = 0; t < report.time_steps; ++t)
        if (report.verdict_of(t) == verdict) steps.push_back(t);
    return steps;
}

std::string divergence_text(const BpttReport& report) {
    if (!report.first_divergence.has_value()) return {};
    std::string text = "  first divergence: " + report.first_divergence->text() + "\n";
    if (!report.first_divergence->also.empty())
        text += fmt::format("    wrong there as well: {}\n", joined(report.first_divergence->also));
    const std::vector<std::size_t> wrong = steps_of(report, StepVerdict::wrong);
    if (!wrong.empty()) text += fmt::format("    wrong by themselves: {}\n", listed(wrong));
    const std::vector<std::size_t> inheriting = steps_of(report, StepVerdict::inherits);
    if (!inheriting.empty())
        text += fmt::format("    right by themselves, but reached by a wrong cotangent: {}\n",
                            listed(inheriting));
    return text;
}

/// The column of one way in a row of the table.
std::string cell_text(const BpttReport& report, const BpttWay& way, std::size_t row) {
    if (row < way.totals.size()) return fmt::format("{:.1e}", way.totals[row].relative);
    if (way.name != "differences" || row >= report.differences.inputs.size()) return "-";
    const CheckedInput& input = report.differences.inputs[row];
    if (input.compared == 0)
        return input.directions == 0
                   ? "-"
                   : fmt::format("{:.1e} ({} dir.)", input.worst_direction, input.directions);
    return fmt::format(
        "{:.1e}", input.largest == 0 ? input.largest_deviation : input.largest_deviation / input.largest);
}

std::string worst_step_text(const BpttWay& way) {
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t t = 0; t < way.time_steps.size(); ++t)
        for (const Deviation& deviation : way.time_steps[t].deviations)
            if (!(deviation.relative <= worst)) {
                worst = deviation.relative;
                at = t;
            }
    return way.time_steps.empty() ? "-" : fmt::format("{:.1e} (t={})", worst, at);
}

std::string table(const BpttReport& report) {
    const std::vector<CheckedInput>& inputs = report.differences.inputs;
    std::string text = fmt::format("  {:<34} {:>9}", "gradient of the tape by", "largest");
    for (const BpttWay& way : report.ways) text += fmt::format(" {:>17}", way.name);
    text += "\n";
    for (std::size_t row = 0; row < std::min(inputs.size(), most_rows); ++row) {
        text += fmt::format("  {:<34} {:>9.2e}", inputs[row].name + " " + inputs[row].shape.text(),
                            inputs[row].largest);
        for (const BpttWay& way : report.ways) text += fmt::format(" {:>17}", cell_text(report, way, row));
        text += "\n";
    }
    if (inputs.size() > most_rows) text += fmt::format("  and {} more\n", inputs.size() - most_rows);
    text += fmt::format("  {:<44}", "each time step by itself, the worst");
    for (const BpttWay& way : report.ways) text += fmt::format(" {:>17}", worst_step_text(way));
    text += fmt::format("\n  {:<44}", "limits, relative to the largest");
    for (const BpttWay& way : report.ways) text += fmt::format(" {:>17.0e}", way.limit);
    return text + "\n";
}

std::string notes(const char* kind, const std::vector<std::string>& list) {
    std::string text;
    for (std::size_t i = 0; i < std::min(list.size(), most_notes); ++i)
        text += fmt::format("  {}{}\n", kind, list[i]);
    if (list.size() > most_notes) text += fmt::format("  and {} more\n", list.size() - most_notes);
    return text;
}

/// `row 2, column 7` of a matrix, `[2, 7, 1]` of anything else.
std::string place_of(const Deviation& deviation) {
    const std::vector<std::size_t>& at = deviation.at;
    return at.size() == 2 ? fmt::format("row {}, column {}", at[0], at[1]) : place_text(at);
}

}  // namespace

bool BpttWay::totals_agree() const {
    return std::all_of(totals.begin(), totals.end(),
                       [this](const Deviation& deviation) { return agrees(deviation, limit); });
}

bool BpttWay::steps_agree() const {
    return std::none_of(time_steps.begin(), time_steps.end(),
                        [](const StepCheck& step) { return step.verdict == StepVerdict::wrong; });
}

std::string Divergence::text() const {
    return fmt::format("t={}, {}, {}{}: tape {:.9g}, {} {:.9g}", time_step, deviation.name,
                       place_of(deviation), gate.empty() ? "" : ", gate " + gate, deviation.tape, way,
                       deviation.other);
}

bool BpttReport::passed() const { return findings.empty(); }

StepVerdict BpttReport::verdict_of(std::size_t time_step) const {
    StepVerdict verdict = StepVerdict::right;
    for (const BpttWay& way : ways)
        if (time_step < way.time_steps.size()) verdict = std::max(verdict, way.time_steps[time_step].verdict);
    return verdict;
}

std::string BpttReport::text() const {
    std::string text = fmt::format("BPTT check {}: {} time steps, batch of {}{}; {}, seed {}\n",
                                   passed() ? "passed" : "FAILED", time_steps, batch,
                                   loss.has_value() ? fmt::format(", J = {:.6f}", *loss) : "",
                                   in_double ? "double" : "float", seed);
    text += notes("", findings);
    text += divergence_text(*this);
    text += table(*this);
    if (details.has_value() && !details->passed()) text += detail::indented(details->text());
    return text + notes("warning: ", warnings);
}

}  // namespace tapeloop::nn
