#include <fmt/format.h>
#include <autograd/study/explain/answer.hpp>

#include <cmath>

namespace tapeloop::detail {
namespace {

/// A line for what the ones above leave of a whole, if it is worth one.
void add_rest(std::vector<AnswerRow>& rows, double rest, bool is_part, std::string_view name) {
    if (!(std::abs(rest) < 0.05)) rows.push_back({rest, std::string(name), is_part, {}});
}

}  // namespace

std::string sentence_of(const Explanation& explanation) {
    const std::string per_element = fmt::format("{:.2g} per element", explanation.gradient);
    switch (explanation.size) {
        case GradientSize::zero:
            return fmt::format("the gradient of {} is zero", explanation.of);
        case GradientSize::vanishing:
            return fmt::format("the gradient of {} vanishes: {}", explanation.of, per_element);
        case GradientSize::huge:
            return fmt::format("the gradient of {} is huge: {}", explanation.of, per_element);
        case GradientSize::not_finite:
            return fmt::format("the gradient of {} is not finite", explanation.of);
        default:
            return fmt::format("the gradient of {} is usual: {}", explanation.of, per_element);
    }
}

std::string decades_text(double decades) {
    return std::isinf(decades) ? "end" : fmt::format("10^{:+.1f}", decades);
}

std::vector<AnswerRow> answer_rows(const Explanation& explanation) {
    std::vector<AnswerRow> rows;
    bool has_end = false;
    double sum = 0;
    double product = 0;
    double parts = 0;
    std::size_t part_count = 0;
    const auto close_parts = [&] {
        if (part_count > 0) add_rest(rows, product - parts, true, "all else in it");
        part_count = 0;
    };
    for (const Culprit& culprit : explanation.culprits) {
        if (culprit.place != Culprit::Place::part) close_parts();
        if (culprit.place == Culprit::Place::beside) continue;
        const bool is_part = culprit.place == Culprit::Place::part;
        has_end = has_end || std::isinf(culprit.decades);
        rows.push_back({culprit.decades, culprit.text, is_part, culprit.node});
        if (is_part) {
            parts += culprit.decades;
            ++part_count;
        } else {
            sum += culprit.decades;
            product = culprit.decades;
            parts = 0;
        }
    }
    close_parts();
    if (!has_end && explanation.size != GradientSize::not_finite && !explanation.path.empty()) {
        add_rest(rows, explanation.decades - sum, false, "all else");
        rows.push_back(
            {explanation.decades, "together, from J's cotangent on; averages left out", false, {}});
    }
    for (const Culprit& culprit : explanation.culprits)
        if (culprit.place == Culprit::Place::beside) rows.push_back({{}, culprit.text, false, culprit.node});
    return rows;
}

}  // namespace tapeloop::detail
