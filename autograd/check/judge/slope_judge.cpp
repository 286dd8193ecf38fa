#include <autograd/check/judge/slope_judge.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

using Trial = CheckedElement::Trial;

// Steps that are tried where the usual one does not agree: it times 4^3 down to it times 4^-6.
constexpr int largest_power = 3;
constexpr int smallest_power = -6;
// And up to it times 4^8, where hardly any of those moves the results; and down to it times 4^-22, where the
// function has structure that is finer still.
constexpr int swallowed_power = 8;
constexpr int finest_power = -22;
// So many steps beside a tiny number, of which the finest step that is allowed is so many epsilons.
constexpr int steps_by_size = 6;

constexpr double unknown = std::numeric_limits<double>::infinity();

bool is_finite(const Trial& trial) { return std::isfinite(trial.central); }

}  // namespace

template <class T>
Tolerances Tolerances::of(const CheckOptions& options) {
    constexpr bool fine = sizeof(T) == 8;
    const double epsilon = std::numeric_limits<T>::epsilon();
    const auto or_default = [](double given, double usual) { return given > 0 ? given : usual; };
    return {or_default(options.relative, fine ? 1e-6 : 2e-2),
            or_default(options.absolute, fine ? 1e-8 : 1e-3), or_default(options.step, std::cbrt(epsilon)),
            epsilon};
}
template Tolerances Tolerances::of<float>(const CheckOptions&);
template Tolerances Tolerances::of<double>(const CheckOptions&);

void SlopeJudge::weigh(CheckedElement& checked) const {
    const double larger = std::max({std::abs(checked.tape), std::abs(checked.numeric), checked.size});
    checked.difference = checked.tape == checked.numeric ? 0 : checked.tape - checked.numeric;
    const double by_size = tolerances_.relative * larger;
    const double by_rounding = rounding(checked.step);
    checked.tolerance = std::max({by_size, tolerances_.absolute, by_rounding});
    checked.rule = checked.tolerance == by_size       ? ToleranceRule::relative
                   : checked.tolerance == by_rounding ? ToleranceRule::rounding
                                                      : ToleranceRule::absolute;
    const bool agrees = std::abs(checked.difference) <= checked.tolerance && std::isfinite(checked.tape);
    checked.verdict = agrees ? Verdict::right : Verdict::wrong;
}

void SlopeJudge::settle(CheckedElement& checked, double usual, double finest,
                        const Differentiate& differentiate) const {
    take_sweep(checked, usual, differentiate);
    const double first = checked.numeric;
    const double first_step = checked.step;
    double uncertainty = choose_step(checked, false);
    const auto go_on = [&](double part, const auto& is_enough) {
        while (!is_enough() && goes_finer(checked, std::max(finest, usual * std::exp2(2 * finest_power)))) {
            checked.sweep.push_back(differentiate(checked.sweep.back().step / part));
            uncertainty = choose_step(checked, false);
        }
    };
    go_on(4, [&] { return std::isfinite(uncertainty); });
    if (!std::isfinite(uncertainty)) uncertainty = settle_by_size(checked, finest, differentiate);
    if (!std::isfinite(uncertainty)) {
        checked.numeric = first;
        checked.step = first_step;
    }
    weigh(checked);
    if (checked.verdict != Verdict::wrong || !std::isfinite(checked.tape)) return;
    // Whoever accuses has looked as closely as the numbers allow.
    go_on(16,
          [&] { return !(rounding(checked.sweep.back().step / 16) < 0.05 * std::abs(checked.difference)); });
    if (std::isfinite(uncertainty)) weigh(checked);
    if (checked.verdict != Verdict::wrong) return;
    // Steps that move nothing may be lost in the results, if larger ones are about the tape's value.
    const bool may_be_lost = checked.numeric == 0 && is_among_differences(checked);
    if (is_rounded_away(checked) || may_be_lost || finer_agree(checked) || finer_contradict(checked) ||
        !is_settled(checked, uncertainty) || !(std::abs(checked.difference) > 4 * uncertainty) ||
        (wider_agree(checked) && !(uncertainty < 1e-3 * std::abs(checked.difference) &&
                                   checked.step > 0.5 * usual * std::exp2(2 * smallest_power))))
        checked.verdict = Verdict::rounding;
    if (is_kink(checked, usual)) checked.verdict = Verdict::kink;
}

/// Takes differences of steps that are small beside the number itself, far below the others, and returns what
/// `choose_step` does; infinite if the number is not that small.
double SlopeJudge::settle_by_size(CheckedElement& checked, double finest,
                                  const Differentiate& differentiate) const {
    const double coarsest = finest * std::cbrt(tolerances_.epsilon) / tolerances_.epsilon;
    const bool tells = rounding(coarsest) < 0.1 * std::abs(checked.tape);
    if (!tells || !(coarsest < checked.sweep.back().step)) return unknown;
    for (int power = 0; power < steps_by_size; ++power)
        checked.sweep.push_back(differentiate(coarsest * std::exp2(-2 * power)));
    return choose_step(checked, false);
}

void SlopeJudge::take_sweep(CheckedElement& checked, double usual, const Differentiate& differentiate) {
    checked.sweep.clear();
    const auto trial = [&](int power) { return differentiate(usual * std::exp2(2 * power)); };
    for (int power = largest_power; power >= smallest_power; --power) checked.sweep.push_back(trial(power));
    // Where hardly any step moves the results, they may be so large that they do not see steps like these.
    const auto moving = std::count_if(checked.sweep.begin(), checked.sweep.end(),
                                      [](const Trial& one) { return one.central != 0; });
    for (int power = largest_power + 1; moving < 3 && checked.tape != 0 && power <= swallowed_power; ++power)
        checked.sweep.insert(checked.sweep.begin(), trial(power));
}

/// Returns whether a finer step than the last may tell more: it is one that the numbers have, and rounding
/// leaves something of it.
bool SlopeJudge::goes_finer(const CheckedElement& checked, double finest) const {
    const Trial& last = checked.sweep.back();
    const double next = last.step / 4;
    const double size = std::max(std::abs(checked.tape), is_finite(last) ? std::abs(last.central) : 0);
    return next >= finest && rounding(next) < 0.1 * size;
}

/// Returns whether a finer step differs by more than what rounding and the change among neighbours explain.
bool SlopeJudge::is_contradicted(const CheckedElement& checked, std::size_t j, double change) const {
    const auto& sweep = checked.sweep;
    const double slack = 4 * change +
                         tolerances_.relative * std::max(std::abs(sweep[j].central), checked.size) +
                         rounding(sweep[j].step);
    for (std::size_t i = j + 1; i < sweep.size(); ++i) {
        if (!is_finite(sweep[i])) continue;
        if (std::abs(sweep[i].central - sweep[j].central) > slack + rounding(sweep[i].step)) return true;
    }
    return false;
}

// The step at which three neighbours agree best is where neither curvature nor rounding rules, unless finer
// ones contradict it. Returns the change among the three; infinite if there is no such step.
double SlopeJudge::choose_step(CheckedElement& checked, bool without_zeros) const {
    const auto& sweep = checked.sweep;
    const auto tells = [&](std::size_t j) {
        return is_finite(sweep[j]) && !(without_zeros && sweep[j].central == 0);
    };
    double uncertainty = unknown;
    for (std::size_t j = 1; j + 1 < sweep.size(); ++j) {
        if (!tells(j - 1) || !tells(j) || !tells(j + 1)) continue;
        const double change = std::max({std::abs(sweep[j - 1].central - sweep[j].central),
                                        std::abs(sweep[j].central - sweep[j + 1].central),
                                        rounding(sweep[j].step) / rounding_units});
        if (change >= uncertainty || (!without_zeros && is_contradicted(checked, j, change))) continue;
        uncertainty = change;
        checked.numeric = sweep[j].central;
        checked.step = sweep[j].step;
    }
    return uncertainty;
}

/// Returns whether the numeric value is zero because small steps are lost in the results, and larger ones are
/// not far from the tape's value.
bool SlopeJudge::is_rounded_away(CheckedElement& checked) const {
    if (checked.numeric != 0) return false;
    CheckedElement other = checked;
    const double uncertainty = choose_step(other, true);
    if (!std::isfinite(uncertainty) || std::abs(other.tape - other.numeric) > 4 * uncertainty) return false;
    checked.numeric = other.numeric;
    checked.step = other.step;
    weigh(checked);
    return true;
}

/// Returns whether two neighbouring steps below the chosen one agree with the tape, and rounding is no
/// reason.
bool SlopeJudge::finer_agree(const CheckedElement& checked) const {
    std::size_t agreeing = 0;
    for (const Trial& one : checked.sweep) {
        const double noise = rounding(one.step);
        const bool agrees =
            one.step < checked.step && is_finite(one) && noise < 0.1 * std::abs(checked.difference) &&
            std::abs(one.central - checked.tape) <= 0.1 * std::abs(checked.difference) + noise;
        agreeing = agrees ? agreeing + 1 : 0;
        if (agreeing == 2) return true;
    }
    return false;
}

/// Returns whether neighbouring steps agree in what they say, and not in being off by about as much.
bool SlopeJudge::is_settled(const CheckedElement& checked, double uncertainty) const {
    return uncertainty <=
           std::max({0.1 * std::abs(checked.numeric), tolerances_.absolute, rounding(checked.step)});
}

/// Returns whether three neighbouring steps that agree with each other agree with the tape: finer ones, which
/// do not, may be lost in rounding inside of f, if they are not sure or far finer.
bool SlopeJudge::wider_agree(const CheckedElement& checked) {
    const auto& sweep = checked.sweep;
    for (std::size_t j = 1; j + 1 < sweep.size(); ++j) {
        const double change = std::max(std::abs(sweep[j - 1].central - sweep[j].central),
                                       std::abs(sweep[j].central - sweep[j + 1].central));
        const double off = std::abs(sweep[j].central - checked.tape);
        if (off <= std::max(checked.tolerance, 4 * change) && off < 0.1 * std::abs(checked.difference))
            return true;
    }
    return false;
}

/// Returns whether a finer step than the chosen one, which rounding leaves accurate enough, differs from it
/// by an amount that could explain what is wrong.
bool SlopeJudge::finer_contradict(const CheckedElement& checked) const {
    return std::any_of(checked.sweep.begin(), checked.sweep.end(), [&](const Trial& one) {
        const double noise = rounding(one.step);
        return one.step < checked.step && is_finite(one) && noise < 0.1 * std::abs(checked.difference) &&
               std::abs(one.central - checked.numeric) > 0.25 * std::abs(checked.difference) + noise;
    });
}

/// Returns whether the tape's value lies where the differences of all steps lie.
bool SlopeJudge::is_among_differences(const CheckedElement& checked) {
    double smallest = unknown;
    double largest = -unknown;
    for (const Trial& one : checked.sweep)
        for (const double slope : {one.below, one.central, one.above}) {
            if (!std::isfinite(slope)) continue;
            smallest = std::min(smallest, slope);
            largest = std::max(largest, slope);
        }
    const double slack = largest - smallest;
    return checked.tape >= smallest - slack && checked.tape <= largest + slack;
}

/// Returns whether the slopes of both sides stay apart however small the step is, or there is one side alone,
/// and the tape's value lies between them.
bool SlopeJudge::is_kink(const CheckedElement& checked, double usual) const {
    const auto at = [&](double step) -> const Trial& {
        const auto found = std::find_if(checked.sweep.begin(), checked.sweep.end(),
                                        [step](const Trial& one) { return one.step < 2 * step; });
        return found == checked.sweep.end() ? checked.sweep.back() : *found;
    };
    if (is_kink_between(checked, at(usual), at(usual / (tolerances_.epsilon < 1e-10 ? 64 : 4)))) return true;
    // Another one near by may leave the finest steps alone to tell.
    const std::size_t count = checked.sweep.size();
    return count >= 3 && is_kink_between(checked, checked.sweep[count - 3], checked.sweep[count - 1]);
}

bool SlopeJudge::is_kink_between(const CheckedElement& checked, const Trial& wide,
                                 const Trial& narrow) const {
    const double noise = 2 * rounding(narrow.step);
    // Of both sides: one that bends has a slope of nearly 0, which changes as a whole.
    double size = 0;
    for (const double slope : {wide.below, wide.above, narrow.below, narrow.above})
        if (std::isfinite(slope)) size = std::max(size, std::abs(slope));
    const auto near = [&](double a, double b, double scale) {
        return std::abs(a - b) <= noise + 1e-2 * scale + tolerances_.absolute;
    };
    const auto settled = [&](double Trial::*side, double scale) {
        return std::isfinite(narrow.*side) && near(wide.*side, narrow.*side, scale);
    };
    if (settled(&Trial::below, size) && settled(&Trial::above, size)) {
        const double gap = std::abs(narrow.above - narrow.below);
        const double usual_gap = std::abs(wide.above - wide.below);
        const bool stays = gap > checked.tolerance + noise && gap > 0.5 * usual_gap && gap < 2 * usual_gap;
        const double slack = noise + 1e-3 * gap + checked.tolerance;
        if (stays)
            return checked.tape >= std::min(narrow.below, narrow.above) - slack &&
                   checked.tape <= std::max(narrow.below, narrow.above) + slack;
    }
    // A jump, or the edge of the domain: one side alone has a slope.
    const auto has_slope = [&](double Trial::*side) {
        return settled(side, std::max(std::abs(wide.*side), std::abs(narrow.*side))) &&
               near(checked.tape, narrow.*side, std::max(std::abs(checked.tape), std::abs(narrow.*side)));
    };
    const auto escapes = [&](double Trial::*side) {
        return !std::isfinite(narrow.*side) || std::abs(narrow.*side) > 8 * std::abs(wide.*side);
    };
    return (has_slope(&Trial::below) && escapes(&Trial::above)) ||
           (has_slope(&Trial::above) && escapes(&Trial::below));
}

}  // namespace tapeloop::detail
