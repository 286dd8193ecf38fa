#include <tests/autograd/check/right_functions.hpp>
#include <tests/autograd/check/seeds.hpp>
#include <tests/expect.hpp>

#include <autograd/autograd.hpp>

// None of them raises an alarm, however it is checked; what cannot be told is said. TAPELOOP_CHECK_SEEDS says
// how many seeds are tried.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

std::vector<RightFunction> right_functions() {
    std::vector<RightFunction> all;
    for (const auto& some : {right_functions_at_kinks(), right_functions_of_scales(),
                             right_functions_of_networks(), right_functions_that_iterate()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

CheckInputs<float> in_float(const CheckInputs<double>& inputs) {
    std::vector<CheckInput<float>> list;
    for (const CheckInput<double>& one : inputs.list())
        list.emplace_back(one.name, rounded<float>(one.value));
    return list;
}

/// What was told of it, over all functions.
struct Told {
    std::size_t elements = 0;
    std::size_t untold = 0;
};

void check_right(const RightFunction& function, const GradientReport& report, Told& told) {
    CHECK_MESSAGE(report.passed(), function.name << "\n" << report.text());
    for (const CheckedInput& input : report.inputs) {
        told.elements += input.shape.size();
        told.untold += input.untold;
        const bool says_so = report.has(Diagnosis::kink) || report.has(Diagnosis::rounding);
        CHECK_MESSAGE((input.undecided == 0 || says_so), function.name << "\n" << report.text());
    }
}

/// At numbers of float, which some leave, and then are not finite.
template <class Check>
void check_all_of_float(const Check& check) {
    Told told;
    for (const RightFunction& function : right_functions())
        for (const std::uint64_t seed : seeds_to_try(1))
            if (const GradientReport report = check(function, seed); !report.has(Diagnosis::not_finite))
                check_right(function, report, told);
}

template <class Check>
Told check_all(const Check& check) {
    Told told;
    for (const RightFunction& function : right_functions())
        for (const std::uint64_t seed : seeds_to_try(1)) check_right(function, check(function, seed), told);
    return told;
}

/// The function with a gradient that is half again as large.
CheckFunction<double> falsified(const CheckFunction<double>& f) {
    return [f](const std::vector<Var<double>>& x) {
        const auto more = custom(
            "half_more", [](const auto& v) { return 1 * v; },
            [](const auto& g, const auto&, const auto&) { return 1.5 * g; });
        std::vector<Var<double>> results;
        for (const Var<double>& one : f(x)) results.emplace_back(more(one));
        return results;
    };
}

}  // namespace

TEST_CASE("right functions: no false alarm, by elements and by directions") {
    CHECK(right_functions().size() >= 200);
    for (const CheckMode mode : {CheckMode::elements, CheckMode::directions, CheckMode::both}) {
        const Told told = check_all([&](const RightFunction& function, std::uint64_t seed) {
            return tapeloop::detail::check_function(function.in_double, function.inputs,
                                                    {.seed = seed, .mode = mode, .forward = true});
        });
        CHECK(4 * told.untold < told.elements);  // they are hard, but it passes for what it knows
    }
}

TEST_CASE("right functions: no false alarm of second order") {
    check_all([](const RightFunction& function, std::uint64_t seed) {
        return tapeloop::detail::check_function(function.in_double, function.inputs,
                                                {.order = 2, .seed = seed});
    });
}

TEST_CASE("right functions: no false alarm in float alone") {
    check_all_of_float([](const RightFunction& function, std::uint64_t seed) {
        return tapeloop::detail::check_function(function.in_float, in_float(function.inputs), {.seed = seed});
    });
}

TEST_CASE("right functions: no false alarm of float's tape against double's") {
    std::size_t compared = 0;
    check_all_of_float([&](const RightFunction& function, std::uint64_t seed) {
        const GradientReport report = tapeloop::detail::check_in_both(
            function.in_float, function.in_double, in_float(function.inputs), {.seed = seed});
        compared += report.float_deviation.has_value() ? 1U : 0U;
        return report;
    });
    CHECK(compared > 180 * seeds_to_try(1).size());
}

TEST_CASE("right functions: with half as much gradient again, few pass") {
    std::size_t passed = 0;
    std::string names;
    const std::vector<RightFunction> all = right_functions();
    for (const RightFunction& function : all)
        if (tapeloop::detail::check_function(falsified(function.in_double), function.inputs,
                                             {.diagnose = false})
                .passed()) {
            ++passed;
            names += function.name + "\n";
        }
    CHECK_MESSAGE(4 * passed < all.size(), passed << " pass:\n" << names);
}
