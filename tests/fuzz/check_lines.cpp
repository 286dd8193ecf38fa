#include <tests/fuzz/check.hpp>
#include <tests/fuzz/finding.hpp>
#include <tests/fuzz/run.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tapeloop::fuzz {
namespace {

/// What is compared is rounding, which grows with the arguments.
constexpr double largest_compared = 8;
/// Times a cotangent, `float` still holds it.
constexpr double largest_product_in_float = 1e36;

double largest(const Tensors& all) {
    double result = 0;
    for (const Tensor<double>& one : all)
        for (double x : one) result = std::isfinite(x) ? std::max(result, std::abs(x)) : HUGE_VAL;
    return result;
}

/// Of all elements that enlarge it.
double largest_product(const Tensors& all) {
    double result = 1;
    for (const Tensor<double>& one : all)
        for (double x : one) result *= std::max(1.0, std::abs(x));
    return result;
}

/// A line with its arguments' values.
struct Place {
    const Call& call;
    std::size_t first_result;
    Tensors arguments;
    std::size_t results;
};

std::vector<Place> places(const Program& program, const Tensors& values) {
    std::vector<Place> all;
    for (const Line& line : program.lines) {
        if (line.leaf) continue;
        Tensors arguments;
        for (Id id : line.call.arguments) arguments.push_back(values[id]);
        all.push_back({line.call, line.first_result, std::move(arguments), line.results});
    }
    return all;
}

std::string text(const Place& place) {
    const auto name = [](Id id) { return fmt::format("v{}", id); };
    return fmt::format("v{} = {}", place.first_result, text_of(place.call, name, name));
}

void require(const std::string& problem, const Place& place, const std::string& what) {
    if (!problem.empty()) throw Finding(fmt::format("{}: {}: {}", text(place), what, problem));
}

Tensors random_like(const Tensors& all, std::uint64_t seed) {
    test::Random random(seed);
    Tensors result;
    for (const Tensor<double>& one : all) {
        result.push_back(random.tensor(shape_of(one)));
        for (double& x : result.back()) x = static_cast<float>(x);
    }
    return result;
}

Tensors rounded_to_float(const Tensors& all) {
    Tensors result;
    for (const Tensor<double>& one : all) result.push_back(test::as_double(test::rounded<float>(one)));
    return result;
}

/// Parameters, tensors and numbers must be worth what inputs are.
void check_as_inputs(const Place& place, const Tensors& values, Counts& counts) {
    const Tensors alone = Alone<double>(place.call, place.arguments).values();
    for (std::size_t k = 0; k < place.results; ++k)
        require(test::difference_in_bits(alone[k], values[place.first_result + k]), place, "alone on inputs");
    counts.add("lines, alone");
}

void check_reference(const Place& place, const Tensors& values, Counts& counts) {
    if (!place.call.reference) return counts.add("lines without plain loops");
    const double least = 1 + largest(place.arguments) * largest(place.arguments);
    if (!std::isfinite(least) || least > 1e9)
        return counts.add("lines with arguments too large for plain loops");
    const Tensors expected = place.call.reference(place.arguments);
    for (std::size_t k = 0; k < place.results; ++k)
        require(test::difference(values[place.first_result + k], expected[k], 1e-12, least), place,
                "against plain loops");
    counts.add("lines, against plain loops");
}

/// A line's values, and the gradients of their projection on random cotangents.
struct Results {
    Tensors values;
    Tensors gradients;
};

template <class T>
Results results(const Place& place, const Tensors& arguments) {
    const Alone<T> alone(place.call, arguments);
    Tensors values = alone.values();
    Tensors gradients = alone.gradients(random_like(values, place.first_result));
    return {std::move(values), std::move(gradients)};
}

std::string float_problem(const Results& rough, const Results& exact, double least) {
    for (std::size_t k = 0; k < exact.values.size(); ++k) {
        const std::string problem = test::difference(rough.values[k], exact.values[k], 2e-5, least);
        if (!problem.empty()) return problem;
    }
    const double least_of_gradients = least + largest(exact.gradients);
    for (std::size_t k = 0; k < exact.gradients.size(); ++k) {
        const std::string problem =
            test::difference(rough.gradients[k], exact.gradients[k], 1e-4, least_of_gradients);
        if (!problem.empty()) return "gradient: " + problem;
    }
    return {};
}

void take_nearer(Tensors& expected, const Tensors& others, const Tensors& actual) {
    for (std::size_t k = 0; k < expected.size(); ++k)
        for (std::size_t i = 0; i < expected[k].size(); ++i) {
            double& element = expected[k].data()[i];
            const double other = others[k].data()[i];
            const double target = actual[k].data()[i];
            if (std::abs(other - target) < std::abs(element - target)) element = other;
        }
}

/// Of what the line is worth in `double` within a rounding to `float` of its arguments, each element as near
/// to the actual one as it comes: at a step, `float` may round to the other side.
Results across_steps(const Place& place, const Tensors& arguments, const Results& actual) {
    constexpr std::size_t neighbours = 40;
    constexpr double rounding = 0x1p-23;
    test::Random random(place.first_result);
    Results nearest = results<double>(place, arguments);
    for (std::size_t i = 0; i < neighbours; ++i) {
        Tensors beside = arguments;
        for (Tensor<double>& one : beside)
            for (double& x : one) x *= 1 + (random.below(2) == 0 ? rounding : -rounding);
        const Results other = results<double>(place, beside);
        take_nearer(nearest.values, other.values, actual.values);
        take_nearer(nearest.gradients, other.gradients, actual.gradients);
    }
    return nearest;
}

/// What `float` errs by on either side of a step. Of an elementwise line each element has arguments of its
/// own, so that no gradient is a sum over several steps.
std::string problem_across_steps(const Place& place, Tensors arguments, const Shape& shape, double least) {
    if (place.call.promise.is_elementwise)
        for (Tensor<double>& one : arguments) one = test::repeated(one, shape);
    const Results actual = results<float>(place, arguments);
    return float_problem(actual, across_steps(place, arguments, actual), least);
}

void check_float(const Place& place, Counts& counts) {
    const Tensors arguments = rounded_to_float(place.arguments);
    const double size = largest(arguments);
    if (size > largest_compared) return counts.add("lines with arguments too large for float");
    const Results exact = results<double>(place, arguments);
    const bool is_too_large_on_the_way =
        place.call.promise.multiplies_elements && largest_product(arguments) > largest_product_in_float;
    if (is_too_large_on_the_way || largest(exact.values) > 1e6 || largest(exact.gradients) > 1e6)
        return counts.add("lines with results too large for float");
    const Results rough = results<float>(place, arguments);
    const double least = (1 + size) * (1 + size);
    std::string problem = float_problem(rough, exact, least);
    if (!problem.empty() && !place.call.promise.is_smooth) {
        problem = problem_across_steps(place, arguments, shape_of(exact.values[0]), least);
        if (problem.empty()) return counts.add("lines, float on the other side of a step");
    }
    require(problem, place, "float");
    counts.add("lines, float against double");
}

/// Flat, with `front` elements more in front of it.
Tensor<double> shifted(const Tensor<double>& x, const Shape& shape, std::size_t front) {
    const Tensor<double> whole = test::repeated(x, shape);
    test::Random random(front);
    Tensor<double> result = random.tensor({front + whole.size()}, 0.3, 2);
    std::copy(whole.begin(), whole.end(), result.begin() + static_cast<std::ptrdiff_t>(front));
    return result;
}

Tensor<double> without_front(const Tensor<double>& x, const Shape& shape) {
    const auto front = static_cast<std::ptrdiff_t>(x.size() - shape.size());
    return test::tensor(shape, std::vector<double>(x.begin() + front, x.end()));
}

template <class T>
void check_position(const Place& place, const Tensors& arguments, std::size_t front) {
    const Alone<T> here(place.call, arguments);
    const Tensors values = here.values();
    const Shape shape = shape_of(values[0]);
    Tensors moved;
    for (const Tensor<double>& one : arguments) moved.push_back(shifted(one, shape, front));
    const Alone<T> there(place.call, moved);
    const Tensors moved_values = there.values();
    const std::string kind = sizeof(T) == 4 ? "float, " : "";
    for (std::size_t k = 0; k < values.size(); ++k)
        require(test::difference_in_bits(without_front(moved_values[k], shape), values[k]), place,
                fmt::format("{}moved by {}", kind, front));

    const Tensors cotangents = random_like(values, front);
    Tensors moved_cotangents;
    for (const Tensor<double>& one : cotangents) moved_cotangents.push_back(shifted(one, shape, front));
    const Tensors gradients = here.gradients(cotangents);
    const Tensors moved_gradients = there.gradients(moved_cotangents);
    for (std::size_t k = 0; k < gradients.size(); ++k)
        if (shape_of(arguments[k]) == shape)
            require(test::difference_in_bits(without_front(moved_gradients[k], shape), gradients[k]), place,
                    fmt::format("{}gradient, moved by {}", kind, front));
}

}  // namespace

void check_lines(const Program& program, Counts& counts) {
    const Tensors values = Run<double>(program, program.leaves()).values();
    for (const Place& place : places(program, values)) {
        check_as_inputs(place, values, counts);
        check_reference(place, values, counts);
        check_float(place, counts);
    }
}

void check_positions(const Program& program, Counts& counts) {
    const Tensors values = Run<double>(program, program.leaves()).values();
    for (const Place& place : places(program, values)) {
        if (!place.call.promise.is_elementwise) continue;
        const std::size_t front = 1 + (place.first_result * 7 + values.size()) % 19;
        check_position<double>(place, place.arguments, front);
        check_position<float>(place, rounded_to_float(place.arguments), front);
        counts.add("lines, their elements moved");
    }
}

}  // namespace tapeloop::fuzz
