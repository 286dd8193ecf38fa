#include <fmt/format.h>
#include <autograd/check/check_float.hpp>
#include <autograd/check/judge/differences.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/rounded_tape.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

// The inputs themselves, and points beside them.
constexpr std::size_t point_count = 4;
// What float's own operations may be off, which compute inside as they do in float: by so many epsilons of
// an element, and of the largest one, or by as many as the root of a sum's length where that is more. And by
// how much more than the rounding that was found.
constexpr double units_of_element = 256;
constexpr double units_of_largest = 64;
constexpr double units_of_length = 0.5;
constexpr double rounding_margin = 8;
constexpr double float_epsilon = std::numeric_limits<float>::epsilon();
// The same mistake is made beside the inputs.
constexpr double same_within = 0.25;

using Numbers = std::vector<double>;

/// The values, and the gradient by each input.
template <class T>
std::vector<Numbers> parts_on(Subject<T>& subject, std::uint64_t seed, TapeOptions options) {
    Tape<T> tape(options);
    const typename Subject<T>::Run run = subject.run(tape);
    std::vector<Numbers> parts(1);
    for (const Var<T>& result : run.results) {
        const Array<T> value = result.array();
        parts[0].insert(parts[0].end(), value.data(), value.data() + value.size());
    }
    const Numbers cotangent = random_weights(parts[0].size(), seed + 0x2c1b3c6d);
    for (const Tensor<T>& one : gradient(subject.roots(run.results, cotangent), subject.wrt(run)))
        parts.emplace_back(one.data(), one.data() + one.size());
    return parts;
}

/// The same by float, by double, and by double that is rounded.
struct Twins {
    std::vector<Numbers> in_float;
    std::vector<Numbers> in_double;
    std::vector<Numbers> rounded;
    double largest_value = 0;  ///< on the way
    double largest_cotangent = 0;
    std::size_t largest_size = 0;
};

Twins twins_of(Subject<float>& in_float, Subject<double>& in_double, std::uint64_t seed) {
    for (std::size_t k = 0; k < in_float.size(); ++k) {
        const std::span<float> from = in_float.elements(k);
        std::copy(from.begin(), from.end(), in_double.elements(k).begin());
    }
    Twins twins;
    twins.in_float = parts_on(in_float, seed, {});
    twins.in_double = parts_on(in_double, seed, {});
    const RoundedToFloat rounding;
    // What is fused rounds inside as well.
    twins.rounded = parts_on(in_double, seed, {.fuse = false});
    twins.largest_value = rounding.largest_value();
    twins.largest_cotangent = rounding.largest_cotangent();
    twins.largest_size = rounding.largest_size();
    return twins;
}

/// At the inputs, and where they are moved by a few units of their last places.
std::vector<Twins> twins_at_points(Subject<float>& in_float, Subject<double>& in_double, std::uint64_t seed) {
    CheckRandom random(seed + 5);
    std::vector<Twins> points;
    while (points.size() < point_count) {
        points.push_back(twins_of(in_float, in_double, seed));
        for (std::size_t k = 0; k < in_float.size(); ++k)
            for (float& x : in_float.elements(k)) {
                // Every one: where a bound is another number in float, an element may lie between both.
                const float towards = random.weight() > 0 ? HUGE_VALF : -HUGE_VALF;
                for (std::uint64_t n = 1 + random.next() % 3; n-- > 0;) x = std::nextafter(x, towards);
            }
    }
    return points;
}

bool all_numbers_finite(const Numbers& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return std::isfinite(element); });
}

double largest_number(const Numbers& x) {
    double largest = 0;
    for (const double element : x) largest = std::max(largest, std::abs(element));
    return largest;
}

/// One part at all points: what float is off, and what rounding explains of it.
class TwinComparison {
  public:
    TwinComparison(const std::vector<Twins>& points, std::size_t part) : points_(points), part_(part) {
        for (const Twins& twins : points)
            for (std::size_t i = 0; i < size(); ++i)
                rounding_ = std::max(rounding_, std::abs(twins.rounded[part][i] - twins.in_double[part][i]));
        // And of sums inside of an operation, which cancel in theory.
        const Twins& here = points.front();
        rounding_ =
            std::max(rounding_, float_epsilon * (part == 0 ? here.largest_value : here.largest_cotangent));
        largest_ = largest_number(points.front().in_double[part]);
        length_ = units_of_length * std::sqrt(static_cast<double>(here.largest_size));
    }
    std::size_t size() const { return points_.front().in_double[part_].size(); }
    double rounding() const { return rounding_; }
    double off(std::size_t i, const Twins& twins) const {
        return twins.in_float[part_][i] - twins.in_double[part_][i];
    }
    /// The largest that float is off at the inputs, relative to the largest element.
    double relative() const {
        double off = 0;
        for (std::size_t i = 0; i < size(); ++i) off = std::max(off, std::abs(this->off(i, points_.front())));
        return off == 0 ? 0 : off / std::max(largest_, rounding_);
    }
    bool is_wrong(std::size_t i) const {
        const double at_inputs = off(i, points_.front());
        return std::all_of(points_.begin(), points_.end(), [&](const Twins& twins) {
            const double limit =
                float_epsilon * (std::max(units_of_element, length_) * std::abs(twins.in_double[part_][i]) +
                                 std::max(units_of_largest, length_) * largest_) +
                rounding_margin * rounding_;
            const double here = off(i, twins);
            return std::abs(here) > limit && std::abs(here - at_inputs) <= same_within * std::abs(at_inputs);
        });
    }
    /// The wrong element that is the furthest off; none if all are right.
    std::optional<std::size_t> worst() const {
        std::optional<std::size_t> worst;
        for (std::size_t i = 0; i < size(); ++i)
            if (is_wrong(i) && (!worst.has_value() ||
                                std::abs(off(i, points_.front())) > std::abs(off(*worst, points_.front()))))
                worst = i;
        return worst;
    }

  private:
    const std::vector<Twins>& points_;
    std::size_t part_;
    double rounding_ = 0;
    double largest_ = 0;
    double length_ = 0;  ///< in epsilons, what the longest sum may be off
};

bool same_sizes(const std::vector<Numbers>& a, const std::vector<Numbers>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Numbers& one, const Numbers& other) { return one.size() == other.size(); });
}

bool same_sizes(const std::vector<Twins>& points) {
    const std::vector<Numbers>& first = points.front().in_double;
    return std::all_of(points.begin(), points.end(), [&](const Twins& twins) {
        return same_sizes(twins.in_float, first) && same_sizes(twins.in_double, first) &&
               same_sizes(twins.rounded, first);
    });
}

std::string place_in_shape(const Shape& shape, std::size_t index) {
    CheckedElement element;
    element.position = position_of(index, shape);
    return element.place();
}

/// Returns whether all is finite that can be compared; warns where only float is not.
bool are_comparable(GradientReport& report, const std::vector<Twins>& points) {
    const auto all = [&](std::vector<Numbers> Twins::*which) {
        return std::all_of(points.begin(), points.end(), [&](const Twins& twins) {
            return std::all_of((twins.*which).begin(), (twins.*which).end(), all_numbers_finite);
        });
    };
    if (!same_sizes(points) || !all(&Twins::in_double)) return false;
    if (all(&Twins::in_float) && all(&Twins::rounded)) return true;
    report.warnings.emplace_back(
        "in float, f or its gradient is not finite, though it is in double: values leave float's range on "
        "the "
        "way; a tape with `.watch = true` says where");
    return false;
}

}  // namespace

void check_float(GradientReport& report, const CheckFunction<float>& in_float,
                 const CheckInputs<float>& float_inputs, const CheckFunction<double>& in_double,
                 const CheckInputs<double>& double_inputs) {
    Subject<float> single(in_float, float_inputs, 1, report.seed);
    Subject<double> twice(in_double, double_inputs, 1, report.seed);
    const std::vector<Twins> points = twins_at_points(single, twice, report.seed);
    report.evaluations += single.evaluations() + twice.evaluations();
    if (!are_comparable(report, points)) return;
    double deviation = 0;
    for (std::size_t part = 0; part < points.front().in_double.size(); ++part) {
        const TwinComparison comparison(points, part);
        deviation = std::max(deviation, comparison.relative());
        const auto worst = comparison.worst();
        if (!worst.has_value()) continue;
        const CheckInput<float>* by = part == 0 ? nullptr : &single.input(part - 1);
        const std::string place = by == nullptr ? fmt::format("element {} of f's results", *worst)
                                                : "the gradient at " + place_in_shape(by->shape(), *worst);
        report.findings.push_back(
            {Diagnosis::float_differs, 1, by == nullptr ? "" : by->name,
             fmt::format(
                 "{} is {:.6g} in float and {:.6g} in double, and rounding makes no more than {:.1g} of "
                 "difference: an operation does something else in float",
                 place, points.front().in_float[part][*worst], points.front().in_double[part][*worst],
                 comparison.rounding())});
    }
    report.float_deviation = deviation;
}

}  // namespace tapeloop::detail
