#include <fmt/format.h>
#include <nn/check/bptt/cross_check.hpp>

#include <algorithm>

namespace tapeloop::nn {
namespace {

// Longer sequences show their first and last time steps only, and the worst.
constexpr std::size_t shown_at_each_end = 3;

double worst_of(const std::vector<Deviation>& deviations) {
    double worst = 0;
    for (const Deviation& deviation : deviations) worst = std::max(worst, deviation.relative);
    return worst;
}

std::string parameter_line(const Deviation& closed_form, const Deviation& difference) {
    return fmt::format("  dJ/d{:<5} {:<12} {:>9.2e}      {:>9.2e}      {:>9.2e}   ({} of {})\n",
                       closed_form.name, closed_form.shape.text(), closed_form.largest, closed_form.relative,
                       difference.relative, difference.compared, closed_form.compared);
}

std::string time_step_line(std::size_t t, const std::vector<Deviation>& parts) {
    std::string line = fmt::format("  t={:<6}", t);
    for (const Deviation& part : parts) line += fmt::format(" {:>9.2e}", part.relative);
    return line + "\n";
}

std::string time_step_table(const std::vector<std::vector<Deviation>>& time_steps) {
    std::string text = "  what each time step contributes, tape against closed form:\n          ";
    for (const Deviation& part : time_steps.front()) text += fmt::format(" {:>9}", "dJ/d" + part.name);
    text += "\n";
    const std::size_t count = time_steps.size();
    const auto worst = static_cast<std::size_t>(
        std::max_element(time_steps.begin(), time_steps.end(),
                         [](const auto& a, const auto& b) { return worst_of(a) < worst_of(b); }) -
        time_steps.begin());
    bool gap = false;
    for (std::size_t t = 0; t < count; ++t) {
        const bool shown = t < shown_at_each_end || t + shown_at_each_end >= count || t == worst;
        if (shown) text += time_step_line(t, time_steps[t]);
        if (!shown && !gap) text += "  ...\n";
        gap = !shown;
    }
    return text + fmt::format("  largest at t={}\n", worst);
}

std::string failures(const char* against, const std::string& where, const std::vector<Deviation>& deviations,
                     double limit) {
    std::string text;
    for (const Deviation& deviation : deviations)
        if (!(deviation.relative <= limit))
            text += fmt::format("  WRONG{}: dJ/d{} at {}: tape {:.9g}, {} {:.9g}\n", where, deviation.name,
                                place_text(deviation.at), deviation.tape, against, deviation.other);
    return text;
}

}  // namespace

bool CrossCheck::agrees() const {
    bool good = worst_of(closed_form) <= options.closed_form_limit;
    for (const auto& parts : time_steps) good = good && worst_of(parts) <= options.closed_form_limit;
    return good && worst_of(differences) <= options.difference_limit;
}

std::string CrossCheck::text() const {
    std::string text = fmt::format(
        "BPTT cross-check in double: T={} B={} I={} H={} O={}, J = {:.6f}\n"
        "  gradient of the tape  largest   from closed form   from central differences\n",
        steps, batch, inputs, hidden, outputs, loss);
    for (std::size_t i = 0; i < closed_form.size(); ++i)
        text += parameter_line(closed_form[i], differences[i]);
    if (!time_steps.empty()) text += time_step_table(time_steps);
    text += failures("closed form", "", closed_form, options.closed_form_limit);
    for (std::size_t t = 0; t < time_steps.size(); ++t)
        text += failures("closed form", fmt::format(" at t={}", t), time_steps[t], options.closed_form_limit);
    text += failures("difference", "", differences, options.difference_limit);
    return text + fmt::format("  {}: deviations relative to the largest entries; limits {:.0e} and {:.0e}\n",
                              agrees() ? "agrees" : "DISAGREES", options.closed_form_limit,
                              options.difference_limit);
}

}  // namespace tapeloop::nn
