#include <autograd/check/judge/input_comparison.hpp>
#include <autograd/check/judge/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace tapeloop::detail {
namespace {

// Where directions fail, so many elements tell whether many are wrong, or few that halving finds.
constexpr std::size_t first_look = 16;
constexpr std::size_t many_of_first_look = 2;
// Of an input that is wrong all over, so many elements are looked at with other steps.
constexpr std::size_t confirmed_enough = 16;

}  // namespace

double excess_of(const CheckedElement& element) {
    const double excess = std::abs(element.difference) / element.tolerance;
    return std::isnan(excess) ? HUGE_VAL : excess;
}

std::vector<bool> inputs_by_elements(const std::vector<std::size_t>& sizes, std::size_t evaluated,
                                     const CheckOptions& options) {
    if (options.mode != CheckMode::automatic)
        return std::vector<bool>(sizes.size(), options.mode != CheckMode::directions);
    // The smallest first, while it costs little.
    std::vector<std::size_t> order(sizes.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return sizes[a] < sizes[b]; });
    std::vector<bool> by_elements(sizes.size(), false);
    double computed = 0;
    for (std::size_t k : order) {
        computed += 2 * static_cast<double>(sizes[k]) * static_cast<double>(evaluated);
        by_elements[k] =
            sizes[k] <= options.full_limit && (computed <= most_computed || sizes[k] <= options.directions);
    }
    return by_elements;
}

template <class T>
void InputComparison<T>::start(std::size_t k, const std::vector<double>& gradient) {
    input_ = k;
    gradient_ = &gradient;
    elements_.clear();
    held_.clear();
    alone_ = 0;
    confirmed_ = 0;
    tells_ = false;
    is_cut_short_ = false;
}

template <class T>
void InputComparison<T>::compare_each(std::size_t k, const std::vector<double>& gradient,
                                      CheckedInput& checked) {
    start(k, gradient);
    if (options_.mode == CheckMode::both) directions_agree(checked, options_.directions);
    std::vector<std::size_t> all(gradient.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    compare_elements(all);
    // Kinks fail along a direction; of all elements it is known which.
    if (hold_kinks()) directions_agree(checked, checked.directions);
}

template <class T>
void InputComparison<T>::compare_along(std::size_t k, const std::vector<double>& gradient,
                                       CheckedInput& checked, std::size_t directions) {
    start(k, gradient);
    if (!directions_agree(checked, directions)) find_wrong_elements(checked);
}

template <class T>
bool InputComparison<T>::has_seen_all() const {
    const auto held = static_cast<std::size_t>(std::count(held_.begin(), held_.end(), true));
    return elements_.size() + held >= gradient_->size();
}

template <class T>
std::vector<double> InputComparison<T>::direction(std::uint64_t seed) const {
    std::vector<double> direction = random_weights(gradient_->size(), seed);
    for (std::size_t i = 0; i < held_.size(); ++i)
        if (held_[i]) direction[i] = 0;
    return direction;
}

template <class T>
bool InputComparison<T>::directions_agree(CheckedInput& checked, std::size_t directions) {
    checked.directions = directions;
    checked.failed_directions = 0;
    checked.worst_direction = 0;
    checked.undecided_directions = 0;
    tells_ = std::any_of(elements_.begin(), elements_.end(),
                         [&](const auto& one) { return differences_.tells(one); });
    for (std::size_t d = 0; d < directions; ++d) {
        const std::vector<double> direction = this->direction(seed_ + 1000 * input_ + d);
        CheckedElement one = differences_.compare_along(input_, *gradient_, direction);
        // One that is known to be wrong with every step is enough.
        if (one.verdict == Verdict::wrong && checked.failed_directions == 0)
            differences_.refine_along(one, input_, direction);
        tells_ = tells_ || differences_.tells(one);
        checked.failed_directions += one.verdict == Verdict::wrong ? 1U : 0U;
        checked.undecided_directions +=
            one.verdict == Verdict::right || one.verdict == Verdict::wrong ? 0U : 1U;
        const double size = std::max(one.size, std::abs(one.numeric));
        if (one.difference != 0)
            checked.worst_direction = std::max(checked.worst_direction, std::abs(one.difference) / size);
    }
    return checked.failed_directions + checked.undecided_directions == 0;
}

/// Few are found by halving; of many, as many are compared as tell what is wrong.
template <class T>
void InputComparison<T>::find_wrong_elements(CheckedInput& checked) {
    const std::size_t size = gradient_->size();
    CheckRandom random(seed_ + input_);
    const bool is_failing = checked.failed_directions != 0;
    compare_elements(spread(size, std::min(first_look, options_.elements_after_failure), random));
    // A direction that crosses kinks sees half of each: without them it may agree.
    if (hold_kinks() && directions_agree(checked, checked.directions)) return;
    const auto wrong = static_cast<std::size_t>(std::count_if(
        elements_.begin(), elements_.end(), [](const auto& one) { return one.verdict == Verdict::wrong; }));
    if (wrong >= many_of_first_look || (is_failing && size <= 2 * first_look)) {
        elements_.clear();
        confirmed_ = 0;
        compare_elements(spread(size, options_.elements_after_failure, random));
    } else if (checked.failed_directions != 0 && options_.elements_after_failure != 0) {
        elements_.clear();
        confirmed_ = 0;
        bisect(0, size, true);
        confirm();
        if (hold_kinks()) directions_agree(checked, checked.directions);
    }
}

template <class T>
void InputComparison<T>::compare_elements(const std::vector<std::size_t>& chosen) {
    for (std::size_t i : chosen) {
        if (deadline_.is_over()) {
            is_cut_short_ = true;
            break;
        }
        elements_.push_back(differences_.compare(input_, i, (*gradient_)[i]));
    }
    confirm();
}

/// Looks with other steps at those that fail, the worst first, until enough are known to be wrong.
template <class T>
void InputComparison<T>::confirm() {
    std::vector<std::size_t> failing;
    for (std::size_t c = 0; c < elements_.size(); ++c)
        if (elements_[c].verdict == Verdict::wrong && elements_[c].sweep.empty()) failing.push_back(c);
    std::sort(failing.begin(), failing.end(), [&](std::size_t a, std::size_t b) {
        return excess_of(elements_[a]) > excess_of(elements_[b]);
    });
    for (std::size_t c : failing) {
        if (confirmed_ >= confirmed_enough) break;
        differences_.refine(elements_[c], input_, elements_[c].index);
        confirmed_ += elements_[c].verdict == Verdict::wrong ? 1U : 0U;
    }
    for (const CheckedElement& one : elements_) tells_ = tells_ || differences_.tells(one);
}

/// Compares the elements from `begin` to `end`, by groups that agree as a whole. `is_wrong` says that these
/// do not.
template <class T>
void InputComparison<T>::bisect(std::size_t begin, std::size_t end, bool is_wrong) {
    if (end - begin == 1) return compare_alone(begin);
    if (!is_wrong && agrees_in(begin, end)) return clear(begin, end);
    if (deadline_.is_over() || alone_ >= options_.elements_after_failure) {
        is_cut_short_ = true;
        return;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    const std::size_t kinks = static_cast<std::size_t>(std::count(held_.begin(), held_.end(), true));
    const bool left_agrees = agrees_in(begin, middle);
    if (left_agrees)
        clear(begin, middle);
    else
        bisect(begin, middle, true);
    const bool are_held = kinks != static_cast<std::size_t>(std::count(held_.begin(), held_.end(), true));
    bisect(middle, end, left_agrees && !are_held);
}

template <class T>
bool InputComparison<T>::agrees_in(std::size_t begin, std::size_t end) {
    std::vector<double> part = direction(seed_ + 31 * begin + end);
    std::fill(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(begin), 0.0);
    std::fill(part.begin() + static_cast<std::ptrdiff_t>(end), part.end(), 0.0);
    return differences_.compare_along(input_, *gradient_, part).verdict == Verdict::right;
}

template <class T>
void InputComparison<T>::clear(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
        if (!held_.empty() && held_[i]) continue;
        CheckedElement one;
        one.index = i;
        one.tape = one.numeric = (*gradient_)[i];
        one.step = differences_.step_for(static_cast<double>(subject_.elements(input_)[i]));
        one.tolerance = std::max(differences_.tolerances().absolute,
                                 differences_.tolerances().relative * std::abs(one.tape));
        elements_.push_back(std::move(one));
    }
}

template <class T>
void InputComparison<T>::compare_alone(std::size_t index) {
    if (!held_.empty() && held_[index]) return;
    ++alone_;
    elements_.push_back(differences_.compare(input_, index, (*gradient_)[index]));
    CheckedElement& one = elements_.back();
    if (one.verdict != Verdict::wrong || confirmed_ >= confirmed_enough) return;
    differences_.refine(one, input_, index);
    confirmed_ += one.verdict == Verdict::wrong ? 1U : 0U;
    if (one.verdict == Verdict::kink) hold_kinks();
}

/// Holds the elements still that have the value of one at a kink: where it was 0, it is so at every 0.
/// Returns whether there are any.
template <class T>
bool InputComparison<T>::hold_kinks() {
    const std::span<T> x = subject_.elements(input_);
    std::set<T> values;
    for (const CheckedElement& one : elements_)
        if (one.verdict == Verdict::kink) values.insert(x[one.index]);
    if (values.empty()) return false;
    held_.resize(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) held_[i] = held_[i] || values.count(x[i]) != 0;
    return true;
}

template class InputComparison<float>;
template class InputComparison<double>;

}  // namespace tapeloop::detail
