#include <fmt/format.h>
#include <autograd/check/report.hpp>

#include <algorithm>
#include <array>
#include <filesystem>

namespace tapeloop {
namespace {

// A report of a large model is not read beyond this.
constexpr std::size_t most_findings = 12;
constexpr std::size_t most_inputs = 12;
constexpr std::size_t most_warnings = 6;

constexpr std::array<std::string_view, 32> names{"sign",
                                                 "factor",
                                                 "transposed",
                                                 "exchanged",
                                                 "axis not summed",
                                                 "axis summed",
                                                 "wrong axis",
                                                 "time step missing",
                                                 "time order",
                                                 "order",
                                                 "first step only",
                                                 "last step only",
                                                 "time step",
                                                 "gate",
                                                 "part",
                                                 "elements",
                                                 "region",
                                                 "no gradient",
                                                 "unasked gradient",
                                                 "cotangent ignored",
                                                 "not finite",
                                                 "recorded rule differs",
                                                 "not linear",
                                                 "rule changes",
                                                 "asymmetric Hessian",
                                                 "forward mode differs",
                                                 "float differs",
                                                 "detached",
                                                 "unexplained",
                                                 "kink",
                                                 "rounding",
                                                 "not deterministic"};

bool is_noteworthy(const CheckedInput& input) {
    return input.wrong + input.undecided + input.failed_directions > 0;
}

std::string heading(const CheckedInput& input) {
    std::string text = fmt::format("{} {}", input.name, input.shape.text());
    if (input.order == 2) text = "second order, " + text;
    if (input.directions != 0)
        text += fmt::format(": {} of {} random directions wrong", input.failed_directions, input.directions);
    if (input.compared != 0) text += fmt::format(": {} of {} elements wrong", input.wrong, input.compared);
    if (input.undecided != 0) text += fmt::format(", {} undecided", input.undecided);
    if (input.undecided_directions != 0)
        text += fmt::format(", {} directions undecided", input.undecided_directions);
    return text;
}

void write_elements(std::string& text, const CheckedInput& input) {
    text += fmt::format("    {:<28} {:>15} {:>15} {:>10} {:>8}  {}\n", "element", "from the tape",
                        "by differences", "difference", "step", "tolerance");
    for (const CheckedElement& one : input.worst)
        text += fmt::format("    {:<28} {:>15.8g} {:>15.8g} {:>10.2e} {:>8.1e}  {:.1e} {}, {}\n", one.place(),
                            one.tape, one.numeric, one.difference, one.step, one.tolerance, name_of(one.rule),
                            name_of(one.verdict));
}

/// The differences of all steps at the first element that they leave undecided.
void write_sweep(std::string& text, const CheckedInput& input) {
    const auto undecided = std::find_if(input.worst.begin(), input.worst.end(), [](const auto& one) {
        return one.verdict == Verdict::rounding || one.verdict == Verdict::kink;
    });
    if (undecided == input.worst.end()) return;
    text += fmt::format("    element {} by step: {:>15} {:>15} {:>15} {:>12}\n", undecided->place(),
                        "from below", "central", "from above", "central's error");
    for (const auto& trial : undecided->sweep)
        text += fmt::format("    {:>{}.1e} {:>15.8g} {:>15.8g} {:>15.8g} {:>12.2e}\n", trial.step,
                            undecided->place().size() + 17, trial.below, trial.central, trial.above,
                            undecided->tape - trial.central);
}

void write_finding(std::string& text, const Finding& finding) {
    text += fmt::format("  {}{}{}: {}\n", is_mistake(finding.diagnosis) ? "" : "(not a mistake) ",
                        finding.input.empty() ? "" : finding.input + ": ", name_of(finding.diagnosis),
                        finding.text);
    if (!finding.rule.has_value()) return;
    const FaultyRule& rule = *finding.rule;
    std::string place = rule.label;
    if (!rule.file.empty())
        place = fmt::format("{}:{}{}{}", std::filesystem::path(rule.file).filename().string(), rule.line,
                            place.empty() ? "" : ", ", place);
    text += fmt::format("    the rule of {} for its argument {}{}", rule.operation, rule.argument,
                        place.empty() ? "" : " (" + place + ")");
    if (rule.others != 0) text += fmt::format(", and {} more after it", rule.others);
    text += "\n";
}

std::string totals(const GradientReport& report) {
    std::size_t compared = 0;
    std::size_t directions = 0;
    std::size_t untold = 0;
    std::size_t elements = 0;
    for (const CheckedInput& input : report.inputs) {
        compared += input.compared;
        directions += input.directions;
        untold += input.untold;
        elements += input.shape.size();
    }
    std::string text = fmt::format("{} elements", compared);
    if (directions != 0) text += fmt::format(" and {} random directions", directions);
    text += fmt::format(" of {} gradients against central differences", report.inputs.size());
    if (untold != 0) text += fmt::format(", {} of {} elements untold", untold, elements);
    text += report.in_double ? "; double" : "; float";
    if (report.float_deviation.has_value())
        text += fmt::format(", float within {:.1g} of it", *report.float_deviation);
    return text + fmt::format(", {} evaluations, seed {}", report.evaluations, report.seed);
}

}  // namespace

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::right:
            return "right";
        case Verdict::kink:
            return "kink";
        case Verdict::rounding:
            return "rounding";
        case Verdict::wrong:
            return "wrong";
    }
    return "";
}

std::string_view name_of(ToleranceRule rule) {
    switch (rule) {
        case ToleranceRule::relative:
            return "relative";
        case ToleranceRule::absolute:
            return "absolute";
        case ToleranceRule::rounding:
            return "rounding";
    }
    return "";
}

std::string_view name_of(Diagnosis diagnosis) { return names[static_cast<std::size_t>(diagnosis)]; }

bool is_mistake(Diagnosis diagnosis) {
    return diagnosis != Diagnosis::kink && diagnosis != Diagnosis::rounding;
}

std::string CheckedElement::place() const {
    std::string text = "[";
    for (std::size_t axis = 0; axis < position.size(); ++axis)
        text += fmt::format("{}{}", axis == 0 ? "" : ", ", position[axis]);
    text += "]";
    if (time_step.has_value()) text += fmt::format(", t={}", *time_step);
    if (!gate.empty()) text += ", gate " + gate;
    return text;
}

bool GradientReport::passed() const {
    return std::none_of(findings.begin(), findings.end(),
                        [](const Finding& finding) { return is_mistake(finding.diagnosis); });
}

bool GradientReport::has(Diagnosis diagnosis) const {
    return std::any_of(findings.begin(), findings.end(),
                       [diagnosis](const Finding& finding) { return finding.diagnosis == diagnosis; });
}

std::string GradientReport::text() const {
    std::string text = fmt::format("gradient check {}: {}\n", passed() ? "passed" : "FAILED", totals(*this));
    for (std::size_t i = 0; i < std::min(findings.size(), most_findings); ++i)
        write_finding(text, findings[i]);
    if (findings.size() > most_findings)
        text += fmt::format("  and {} more findings\n", findings.size() - most_findings);
    if (forward.has_value())
        text += fmt::format("  <u, J v> is {:.10g} by forward mode, {:.10g} by the reverse sweep\n",
                            forward->forward, forward->reverse);
    std::size_t shown = 0;
    std::size_t left_out = 0;
    for (const CheckedInput& input : inputs) {
        if (!is_noteworthy(input)) continue;
        if (shown++ >= most_inputs) {
            ++left_out;
            continue;
        }
        text += "  " + heading(input) + "\n";
        if (!input.worst.empty()) write_elements(text, input);
        write_sweep(text, input);
    }
    if (left_out != 0) text += fmt::format("  and {} more inputs\n", left_out);
    for (std::size_t i = 0; i < std::min(warnings.size(), most_warnings); ++i)
        text += "  warning: " + warnings[i] + "\n";
    if (warnings.size() > most_warnings)
        text += fmt::format("  and {} more warnings\n", warnings.size() - most_warnings);
    return text;
}

}  // namespace tapeloop
