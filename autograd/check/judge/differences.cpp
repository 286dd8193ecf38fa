#include <autograd/check/judge/differences.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

// Steps stay above the distance of neighbouring numbers by as much; along a direction by more, since there it
// is not asked at each step by how far the elements moved.
constexpr double distances_in_step = 16;
constexpr double distances_along = 1e6;

double rounding_of(const std::vector<double>& cotangent, const std::vector<double>& center, double epsilon) {
    double squares = 0;
    for (std::size_t o = 0; o < center.size(); ++o)
        squares += cotangent[o] * cotangent[o] * center[o] * center[o];
    return rounding_units * epsilon * std::sqrt(squares);
}

/// The tolerances for a cotangent: the absolute one is meant for the gradient of a single result itself.
template <class T>
Tolerances tolerances_for(const std::vector<double>& cotangent, const CheckOptions& options) {
    Tolerances tolerances = Tolerances::of<T>(options);
    if (cotangent.size() == 1) tolerances.absolute *= std::abs(cotangent[0]);
    return tolerances;
}

}  // namespace

template <class T>
Differences<T>::Differences(Subject<T>& subject, std::vector<double> cotangent, std::vector<double> center,
                            const CheckOptions& options)
    : subject_(subject),
      cotangent_(std::move(cotangent)),
      center_(std::move(center)),
      tolerances_(tolerances_for<T>(cotangent_, options)),
      judge_(tolerances_,
             rounding_of(cotangent_, center_, std::max(tolerances_.epsilon, options.nondeterminism))) {}

template <class T>
double Differences<T>::step_for(double x) const {
    const double wanted = tolerances_.step * std::max(1.0, std::abs(x));
    // The power of two below it: its exponent alone. It is asked for every element along each direction.
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(wanted) & 0x7ff0'0000'0000'0000U);
}

// Differences result by result, so that large results do not drown the others.
template <class T>
double Differences<T>::project(const std::vector<double>& plus, const std::vector<double>& minus) const {
    if (plus.size() != center_.size() || minus.size() != center_.size())
        throw std::logic_error("check_gradient: f's results changed their size with its inputs' values");
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
    judge_.weigh(checked);
    return checked;
}

template <class T>
void Differences<T>::refine(CheckedElement& checked, std::size_t input, std::size_t element) {
    const double x = std::abs(static_cast<double>(subject_.elements(input)[element]));
    const double finest = std::max(distances_in_step * tolerances_.epsilon * x,
                                   static_cast<double>(std::numeric_limits<T>::min()));
    judge_.settle(checked, step_for(x), finest, [&](double step) {
        const Slopes found = slopes(input, element, step);
        return CheckedElement::Trial{found.step, found.central, found.below, found.above};
    });
}

// Along a direction the slope is that of a single number by which its steps are multiplied, over the usual
// step; as sum of what elements contribute it is compared relative to the root of their squares.
template <class T>
Slopes Differences<T>::slopes_along(std::size_t input, const std::vector<double>& direction, double step,
                                    const Moved& moved) {
    const std::span<T> x = subject_.elements(input);
    const std::vector<T> here(x.begin(), x.end());
    const double part = step / tolerances_.step;
    const auto evaluate = [&](double amount, std::vector<double>& results) {
        for (std::size_t i = 0; i < x.size(); ++i)
            if (direction[i] != 0) {
                const auto element = static_cast<double>(here[i]);
                x[i] = static_cast<T>(element + amount * step_for(element) * direction[i]);
            }
        subject_.evaluate(results);
        moved({x.begin(), x.end()}, here);
        std::copy(here.begin(), here.end(), x.begin());
    };
    try {
        evaluate(part, plus_);
        evaluate(-part, minus_);
    } catch (...) {
        std::copy(here.begin(), here.end(), x.begin());
        throw;
    }
    return {project(plus_, minus_) / (2 * step), project(center_, minus_) / step,
            project(plus_, center_) / step, step};
}

template <class T>
CheckedElement Differences<T>::compare_along(std::size_t input, const std::vector<double>& gradient,
                                             const std::vector<double>& direction) {
    CheckedElement checked;
    double squares = 0;
    bool is_above = true;
    // By how far each element really moved, to either side.
    const auto moved = [&](const std::vector<T>& there, const std::vector<T>& here) {
        const double width = (is_above ? 2 : -2) * tolerances_.step;
        for (std::size_t i = 0; i < here.size(); ++i) {
            const double part =
                gradient[i] * (static_cast<double>(there[i]) - static_cast<double>(here[i])) / width;
            checked.tape += part;
            squares += part * part;
        }
        is_above = false;
    };
    const Slopes found = slopes_along(input, direction, tolerances_.step, moved);
    checked.numeric = found.central;
    checked.step = found.step;
    checked.size = std::sqrt(2 * squares);
    judge_.weigh(checked);
    return checked;
}

template <class T>
void Differences<T>::refine_along(CheckedElement& checked, std::size_t input,
                                  const std::vector<double>& direction) {
    double finest = 0;
    const std::span<T> x = subject_.elements(input);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto element = static_cast<double>(x[i]);
        if (direction[i] != 0)
            finest = std::max(finest, distances_along * tolerances_.epsilon * std::abs(element) *
                                          tolerances_.step / (step_for(element) * std::abs(direction[i])));
    }
    judge_.settle(checked, tolerances_.step, finest, [&](double step) {
        const Slopes found = slopes_along(input, direction, step, [](const auto&, const auto&) {});
        return CheckedElement::Trial{found.step, found.central, found.below, found.above};
    });
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
