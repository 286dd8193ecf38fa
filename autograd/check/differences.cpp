#include <autograd/check/differences.hpp>
#include <autograd/check/random.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

// Steps that are tried where the usual one does not agree: it times 4^3 down to it times 4^-6.
constexpr int largest_power = 3;
constexpr std::size_t steps_below_usual = 6;
constexpr int smallest_power = -static_cast<int>(steps_below_usual);
// And up to it times 4^8, where hardly any of those moves the results.
constexpr int swallowed_power = 8;

// How much of the results' rounding is allowed for.
constexpr double rounding_units = 8;

bool is_finite(const CheckedElement::Trial& trial) { return std::isfinite(trial.central); }

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

template <class T>
Differences<T>::Differences(Subject<T>& subject, std::vector<double> cotangent, std::vector<double> center,
                            const CheckOptions& options)
    : subject_(subject),
      cotangent_(std::move(cotangent)),
      center_(std::move(center)),
      tolerances_(Tolerances::of<T>(options)) {
    double squares = 0;
    for (std::size_t o = 0; o < center_.size(); ++o)
        squares += cotangent_[o] * cotangent_[o] * center_[o] * center_[o];
    rounding_ = rounding_units * tolerances_.epsilon * std::sqrt(squares);
}

template <class T>
double Differences<T>::step_for(double x) const {
    const double wanted = tolerances_.step * std::max(1.0, std::abs(x));
    return std::exp2(std::floor(std::log2(wanted)));
}

// Differences result by result, so that large results do not drown the others.
template <class T>
double Differences<T>::project(const std::vector<double>& plus, const std::vector<double>& minus) const {
    double sum = 0;
    for (std::size_t o = 0; o < cotangent_.size(); ++o) sum += cotangent_[o] * (plus[o] - minus[o]);
    return sum;
}

template <class T>
Slopes Differences<T>::slopes(std::size_t input, std::size_t element, double step) {
    T& x = subject_.elements(input)[element];
    const T here = x;
    const auto above = static_cast<T>(static_cast<double>(here) + step);
    const auto below = static_cast<T>(static_cast<double>(here) - step);
    try {
        x = above;
        subject_.evaluate(plus_);
        x = below;
        subject_.evaluate(minus_);
    } catch (...) {
        x = here;
        throw;
    }
    x = here;
    // What the step really is, in the numbers that there are.
    const double up = static_cast<double>(above) - static_cast<double>(here);
    const double down = static_cast<double>(here) - static_cast<double>(below);
    if (plus_.size() != center_.size() || minus_.size() != center_.size())
        throw std::logic_error("check_gradient: f's results changed their size with its inputs' values");
    return {project(plus_, minus_) / (up + down), project(center_, minus_) / down,
            project(plus_, center_) / up, (up + down) / 2};
}

template <class T>
void Differences<T>::column(std::size_t input, std::size_t element, std::vector<double>& column) {
    const double step = step_for(static_cast<double>(subject_.elements(input)[element]));
    const double width = 2 * slopes(input, element, step).step;
    column.resize(plus_.size());
    for (std::size_t o = 0; o < plus_.size(); ++o) column[o] = (plus_[o] - minus_[o]) / width;
}

template <class T>
void Differences<T>::weigh(CheckedElement& checked) const {
    const double larger = std::max(std::abs(checked.tape), std::abs(checked.numeric));
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

template <class T>
bool Differences<T>::tells(const CheckedElement& checked) const {
    if (checked.verdict == Verdict::kink || checked.verdict == Verdict::rounding) return false;
    const double larger = std::max(std::abs(checked.tape), std::abs(checked.numeric));
    return !(larger <= checked.tolerance);
}

template <class T>
CheckedElement Differences<T>::compare(std::size_t input, std::size_t element, double tape) {
    CheckedElement checked;
    checked.index = element;
    checked.tape = tape;
    const Slopes found =
        slopes(input, element, step_for(static_cast<double>(subject_.elements(input)[element])));
    checked.numeric = found.central;
    checked.step = found.step;
    weigh(checked);
    return checked;
}

template <class T>
CheckedElement Differences<T>::judge(std::size_t input, std::size_t element, double tape) {
    CheckedElement checked = compare(input, element, tape);
    if (checked.verdict == Verdict::wrong) refine(checked, input, element);
    return checked;
}

template <class T>
void Differences<T>::refine(CheckedElement& checked, std::size_t input, std::size_t element) {
    const double usual = step_for(static_cast<double>(subject_.elements(input)[element]));
    const auto trial = [&](int power) {
        const Slopes found = slopes(input, element, usual * std::exp2(2 * power));
        return CheckedElement::Trial{found.step, found.central, found.below, found.above};
    };
    checked.sweep.clear();
    for (int power = largest_power; power >= smallest_power; --power) checked.sweep.push_back(trial(power));
    // Where hardly any step moves the results, they may be so large that they do not see steps like these.
    const auto moving = std::count_if(checked.sweep.begin(), checked.sweep.end(),
                                      [](const auto& one) { return one.central != 0; });
    for (int power = largest_power + 1; moving < 3 && checked.tape != 0 && power <= swallowed_power; ++power)
        checked.sweep.insert(checked.sweep.begin(), trial(power));

    const double uncertainty = choose_step(checked, false);
    weigh(checked);
    if (checked.verdict != Verdict::wrong) return;
    checked.verdict = is_rounded_away(checked) ? Verdict::rounding : verdict_of(checked, uncertainty);
}

// The step at which three neighbours agree best is where neither curvature nor rounding rules.
template <class T>
double Differences<T>::choose_step(CheckedElement& checked, bool without_zeros) const {
    const auto& sweep = checked.sweep;
    const auto tells = [&](std::size_t j) {
        return is_finite(sweep[j]) && !(without_zeros && sweep[j].central == 0);
    };
    double uncertainty = std::numeric_limits<double>::infinity();
    for (std::size_t j = 1; j + 1 < sweep.size(); ++j) {
        if (!tells(j - 1) || !tells(j) || !tells(j + 1)) continue;
        const double change = std::max({std::abs(sweep[j - 1].central - sweep[j].central),
                                        std::abs(sweep[j].central - sweep[j + 1].central),
                                        rounding(sweep[j].step) / rounding_units});
        if (change >= uncertainty) continue;
        uncertainty = change;
        checked.numeric = sweep[j].central;
        checked.step = sweep[j].step;
    }
    return uncertainty;
}

/// Returns whether the numeric value is zero because small steps are lost in the results, and larger ones are
/// not far from the tape's value.
template <class T>
bool Differences<T>::is_rounded_away(CheckedElement& checked) const {
    if (checked.numeric != 0) return false;
    CheckedElement other = checked;
    const double uncertainty = choose_step(other, true);
    if (!std::isfinite(uncertainty) || std::abs(other.tape - other.numeric) > 4 * uncertainty) return false;
    checked.numeric = other.numeric;
    checked.step = other.step;
    weigh(checked);
    return true;
}

template <class T>
Verdict Differences<T>::verdict_of(const CheckedElement& checked, double uncertainty) const {
    if (!std::isfinite(checked.tape)) return Verdict::wrong;
    if (is_kink(checked)) return Verdict::kink;
    if (!(std::abs(checked.difference) > 4 * uncertainty)) return Verdict::rounding;
    return Verdict::wrong;
}

/// Returns whether the slopes of both sides stay apart however small the step is, or there is one side alone,
/// and the tape's value lies between them.
template <class T>
bool Differences<T>::is_kink(const CheckedElement& checked) const {
    const std::size_t usual = checked.sweep.size() - 1 - steps_below_usual;
    const CheckedElement::Trial& wide = checked.sweep[usual];
    const CheckedElement::Trial& narrow = checked.sweep[usual + (sizeof(T) == 8 ? 3 : 1)];
    const double noise = 2 * rounding(narrow.step);
    const auto near = [&](double a, double b) {
        return std::abs(a - b) <= noise + 1e-2 * std::max(std::abs(a), std::abs(b)) + tolerances_.absolute;
    };
    const auto settled = [&](double CheckedElement::Trial::*side) {
        return std::isfinite(narrow.*side) && near(wide.*side, narrow.*side);
    };
    const bool below = settled(&CheckedElement::Trial::below);
    const bool above = settled(&CheckedElement::Trial::above);
    if (below && above) {
        const double gap = std::abs(narrow.above - narrow.below);
        const double usual_gap = std::abs(wide.above - wide.below);
        const bool stays = gap > checked.tolerance + noise && gap > 0.5 * usual_gap && gap < 2 * usual_gap;
        const double slack = noise + 1e-3 * gap + checked.tolerance;
        return stays && checked.tape >= std::min(narrow.below, narrow.above) - slack &&
               checked.tape <= std::max(narrow.below, narrow.above) + slack;
    }
    // A jump, or the edge of the domain: one side alone has a slope.
    const auto escapes = [&](double CheckedElement::Trial::*side) {
        return !std::isfinite(narrow.*side) || std::abs(narrow.*side) > 8 * std::abs(wide.*side);
    };
    return (below && near(checked.tape, narrow.below) && escapes(&CheckedElement::Trial::above)) ||
           (above && near(checked.tape, narrow.above) && escapes(&CheckedElement::Trial::below));
}

template <class T>
bool Differences<T>::agrees_along(std::size_t input, const std::vector<double>& gradient, std::uint64_t seed,
                                  const std::vector<bool>& held) {
    std::vector<double> direction = random_weights(gradient.size(), seed);
    for (std::size_t i = 0; i < held.size(); ++i)
        if (held[i]) direction[i] = 0;
    for (double part : {1.0, 1.0 / 16, 1.0 / 256})
        if (agrees_along(input, gradient, direction, part)) return true;
    return false;
}

template <class T>
bool Differences<T>::agrees_along(std::size_t input, const std::vector<double>& gradient,
                                  const std::vector<double>& direction, double part_of_step) {
    const std::span<T> x = subject_.elements(input);
    const std::vector<T> here(x.begin(), x.end());
    const auto move = [&](double amount) {
        for (std::size_t i = 0; i < x.size(); ++i)
            x[i] = static_cast<T>(static_cast<double>(here[i]) +
                                  amount * step_for(static_cast<double>(here[i])) * direction[i]);
    };
    std::vector<T> above;
    std::vector<T> below;
    try {
        move(part_of_step);
        above.assign(x.begin(), x.end());
        subject_.evaluate(plus_);
        move(-part_of_step);
        below.assign(x.begin(), x.end());
        subject_.evaluate(minus_);
    } catch (...) {
        std::copy(here.begin(), here.end(), x.begin());
        throw;
    }
    std::copy(here.begin(), here.end(), x.begin());
    // By how far each element really moved.
    const double width = 2 * part_of_step * tolerances_.step;
    double tape = 0;
    double squares = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double part =
            gradient[i] * (static_cast<double>(above[i]) - static_cast<double>(below[i])) / width;
        tape += part;
        squares += part * part;
    }
    const double numeric = project(plus_, minus_) / width;
    const double size = std::max(std::sqrt(squares), std::abs(numeric));
    const double floor = tolerances_.absolute + rounding(width / 2);
    direction_tells_ = size > floor;
    direction_deviation_ = tape == numeric ? 0 : std::abs(tape - numeric) / size;
    return std::abs(tape - numeric) <= tolerances_.relative * size + floor;
}

std::vector<std::size_t> position_of(std::size_t index, const Shape& shape) {
    std::vector<std::size_t> position(shape.rank());
    for (std::size_t axis = shape.rank(); axis-- > 0; index /= shape[axis])
        position[axis] = index % shape[axis];
    return position;
}

template class Differences<float>;
template class Differences<double>;

}  // namespace tapeloop::detail
