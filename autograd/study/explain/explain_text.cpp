#include <fmt/format.h>
#include <autograd/study/explain/answer.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace tapeloop {

using namespace detail;

namespace {

std::string culprits_text(const Explanation& explanation) {
    std::string text;
    for (const AnswerRow& row : answer_rows(explanation))
        text += row.decades.has_value() ? fmt::format("  {}{:>8}  {}\n", row.is_part ? "    " : "",
                                                      decades_text(*row.decades), row.text)
                                        : fmt::format("            {}\n", row.text);
    return text;
}

/// Returns how much a step changes the cotangent.
double change_of(const PathStep& step) {
    if (step.kind == OperationKind::result || !(step.in > 0)) return 0;
    if (!std::isfinite(step.out) || step.out == 0) return std::numeric_limits<double>::infinity();
    return std::abs(std::log10(step.out / step.in));
}

/// Steps in a row of the path, shown as one line.
struct Row {
    std::vector<const PathStep*> steps;
    std::size_t times = 0;

    const PathStep& largest() const {
        return **std::max_element(steps.begin(), steps.end(), [](const PathStep* a, const PathStep* b) {
            return change_of(*a) < change_of(*b);
        });
    }
    std::string text() const {
        const double in = steps.front()->in;
        const double out = steps.size() == 1 ? steps.back()->out : steps.back()->sum;
        const std::string factor = in > 0 ? fmt::format("{:.2g}", out / in) : std::string("-");
        return fmt::format("  {:>9.2g}  {:>9.2g}  {:>8}  {}\n", in, out, factor, place());
    }
    std::string place() const {
        if (steps.size() == 1) return steps.front()->place;
        const std::string most = fmt::format("most at {}", largest().place);
        if (times == 0) return fmt::format("{} operations, {}", steps.size(), most);
        const std::size_t first = *steps.front()->time_step;
        if (times == 1) return fmt::format("t={}, {}", first, most);
        return fmt::format("t={} to t={}, {}", first, *steps.back()->time_step, most);
    }
};

/// The path in rows: of whole time steps where it has them, else of single operations, unless there are
/// too many.
std::vector<Row> rows_of(const Explanation& explanation) {
    std::set<std::size_t> all_times;
    std::size_t timeless = 0;
    for (const PathStep& step : explanation.path)
        if (step.time_step.has_value())
            all_times.insert(*step.time_step);
        else
            ++timeless;
    const std::size_t most_rows = std::max<std::size_t>(explanation.shown_steps, 1);
    const bool is_short = explanation.path.size() <= most_rows;
    const std::size_t times = (all_times.size() + most_rows - 1) / most_rows;
    const std::size_t others = (timeless + most_rows - 1) / most_rows;

    std::vector<Row> rows;
    for (const PathStep& step : explanation.path) {
        if (step.kind == OperationKind::result) continue;
        Row* last = rows.empty() ? nullptr : &rows.back();
        const PathStep* before = last == nullptr ? nullptr : last->steps.back();
        const bool fits =
            before != nullptr && !is_short && before->time_step.has_value() == step.time_step.has_value() &&
            (step.time_step.has_value() ? before->time_step == step.time_step || last->times < times
                                        : last->steps.size() < others);
        if (!fits) last = &rows.emplace_back();
        if (step.time_step.has_value() && (!fits || before->time_step != step.time_step)) ++last->times;
        last->steps.push_back(&step);
    }
    return rows;
}

std::string path_text(const Explanation& explanation) {
    std::string text =
        fmt::format("the path from J, {} operations; cotangents per element\n", explanation.path.size());
    text += fmt::format("  {:>9}  {:>9}  {:>8}  {}\n", "in", "out", "factor", "operation");
    for (const Row& row : rows_of(explanation)) text += row.text();
    return text;
}

}  // namespace

std::string_view name_of(Cause cause) {
    switch (cause) {
        case Cause::saturated:
            return "saturated";
        case Cause::dead:
            return "dead";
        case Cause::masked:
            return "masked";
        case Cause::closed_gate:
            return "closed gate";
        case Cause::factor:
            return "factor";
        case Cause::weights:
            return "weights";
        case Cause::slope:
            return "slope";
        case Cause::inside_map:
            return "inside map";
        case Cause::long_product:
            return "long product";
        case Cause::cancellation:
            return "cancellation";
        case Cause::accumulation:
            return "accumulation";
        case Cause::averaging:
            return "averaging";
        case Cause::at_minimum:
            return "at minimum";
        case Cause::underflow:
            return "underflow";
        case Cause::overflow:
            return "overflow";
        case Cause::not_a_number:
            return "not a number";
        case Cause::no_gradient:
            return "no gradient";
        case Cause::detached:
            return "detached";
        case Cause::unused:
            return "unused";
    }
    return "";
}

std::string_view name_of(GradientSize size) {
    switch (size) {
        case GradientSize::zero:
            return "zero";
        case GradientSize::vanishing:
            return "vanishing";
        case GradientSize::usual:
            return "usual";
        case GradientSize::huge:
            return "huge";
        case GradientSize::not_finite:
            return "not finite";
    }
    return "";
}

std::string Explanation::text() const {
    std::string text = sentence_of(*this) + "\n";
    if (!culprits.empty()) text += size == GradientSize::usual ? "what changes it most\n" : "because\n";
    if (!culprits.empty()) text += culprits_text(*this);
    if (!path.empty()) text += path_text(*this);
    return text;
}

}  // namespace tapeloop
