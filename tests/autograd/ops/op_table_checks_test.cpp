#include <tests/autograd/ops/op_table.hpp>

#include <autograd/custom.hpp>

#include <doctest/doctest.h>

#include <cmath>

// The checks of the op table are checked: rules that are wrong are planted, and must be found.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Check = Problems (*)(const Row&);

constexpr Check all_checks[] = {check_values, check_first_order, check_second_order, check_subsets,
                                check_float,  check_positions,   check_rejections};

/// Runs all checks; those named must find something, and the others nothing.
void require_found_by(const Row& row, std::initializer_list<Check> finders) {
    for (std::size_t i = 0; i < std::size(all_checks); ++i) {
        const bool must_find = std::find(finders.begin(), finders.end(), all_checks[i]) != finders.end();
        const Problems problems = all_checks[i](row);
        CAPTURE(i);
        CAPTURE(row.text());
        if (must_find)
            CHECK(!problems.empty());
        else
            for (const std::string& problem : problems) FAIL_CHECK(problem);
    }
}

/// A row for sin(x) x by the given operation.
template <class Operation>
Row row_of(Operation operation, CallSite site = CallSite::current()) {
    return unary(
        "custom", [operation](auto x) { return operation(x); }, [](double x) { return std::sin(x) * x; }, {},
        site);
}

template <class Rule>
Row row_with_rule(Rule rule, CallSite site = CallSite::current()) {
    return row_of(custom(
                      "wave", [](const auto& x) { return sin(x) * x; }, rule),
                  site);
}

/// detach, of arrays too.
template <class T>
Array<T> constant(const Array<T>& x) {
    return x;
}
template <class T>
Var<T> constant(const Var<T>& x) {
    return detach(x);
}

const auto right_slope = [](const auto& x) { return sin(x) + x * cos(x); };

}  // namespace

TEST_CASE("op table checks: a right rule passes") {
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return g * right_slope(x); }), {});
}

TEST_CASE("op table checks: a value that is wrong in the tenth digit is found") {
    const auto wrong = custom(
        "wave", [](const auto& x) { return sin(x) * x * (1 + 1e-10); },
        [](const auto& g, const auto&, const auto& x) { return g * right_slope(x); });
    require_found_by(row_of(wrong), {check_values});
}

TEST_CASE("op table checks: a rule that is wrong by 0.1 % is found") {
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return g * (1.001 * right_slope(x)); }),
        {check_first_order, check_second_order});
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return g * right_slope(x) + 1e-3; }),
        {check_first_order});
}

TEST_CASE("op table checks: a wrong sign and a missing term are found") {
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return g * (sin(x) - x * cos(x)); }),
        {check_first_order, check_second_order});
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return g * (x * cos(x)); }),
        {check_first_order, check_second_order});
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return -(g * right_slope(x)); }),
        {check_first_order, check_second_order});
}

TEST_CASE("op table checks: a rule that forgets the cotangent, or all but its sum, is found") {
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return right_slope(x) + 0 * g; }),
        {check_first_order, check_second_order});
    require_found_by(row_with_rule([](const auto& g, const auto&, const auto& x) {
                         return sum(g) / static_cast<double>(std::max<std::size_t>(g.shape().size(), 1)) *
                                right_slope(x);
                     }),
                     {check_first_order, check_second_order, check_positions});
}

TEST_CASE("op table checks: a rule that is wrong by 0.1 % in second order alone is found") {
    // Its value is the right slope; what it passes on when differentiated is not.
    require_found_by(row_with_rule([](const auto& g, const auto&, const auto& x) {
                         const auto bent =
                             right_slope(x) + 1e-3 * (right_slope(x) - constant(right_slope(x)));
                         return g * bent;
                     }),
                     {check_second_order});
    require_found_by(row_with_rule([](const auto& g, const auto&, const auto& x) {
                         return g * (sin(x) + constant(x) * cos(x));
                     }),
                     {check_second_order});
}

TEST_CASE("op table checks: a rule whose recorded form is not linear in the cotangent is found") {
    require_found_by(
        row_with_rule([](const auto& g, const auto&, const auto& x) { return constant(g) * right_slope(x); }),
        {check_second_order});
    require_found_by(row_with_rule([](const auto& g, const auto&, const auto& x) {
                         return (g + 1e-3 * (g - constant(g))) * right_slope(x);
                     }),
                     {check_second_order});
}

TEST_CASE("op table checks: a recorded rule that differs from the other is found") {
    require_found_by(row_with_rule([](const auto& g, const auto&, const auto& x) {
                         constexpr bool is_recorded = !tapeloop::detail::is_array<std::decay_t<decltype(x)>>;
                         return g * right_slope(x) * (is_recorded ? 1 + 1e-6 : 1.0);
                     }),
                     {check_second_order, check_subsets});
}

TEST_CASE("op table checks: rules of a product with a transpose too few, or exchanged, are found") {
    const auto row_of_product = [](auto rule_a, auto rule_b, CallSite site = CallSite::current()) {
        const auto product = custom(
            "product", [](const auto& a, const auto& b) { return matmul(a, b); }, rule_a, rule_b);
        Row result = row(
            "custom", [product](const auto& x) { return product(x[0], x[1]); },
            [](const Tensors& x) {
                return generate({x[0].shape()[0], x[1].shape()[1]}, [&](const Position& position) {
                    double total = 0;
                    for (std::size_t k = 0; k < x[0].shape()[1]; ++k)
                        total += at(x[0], {position[0], k}) * at(x[1], {k, position[1]});
                    return total;
                });
            },
            site);
        return std::move(result).of({{{3, 3}, {3, 3}}});
    };
    const auto right_a = [](const auto& g, const auto&, const auto&, const auto& b) {
        return matmul(g, b, {false, true});
    };
    const auto right_b = [](const auto& g, const auto&, const auto& a, const auto&) {
        return matmul(a, g, {true, false});
    };
    const auto not_transposed = [](const auto& g, const auto&, const auto&, const auto& b) {
        return matmul(g, b);
    };
    const auto exchanged = [](const auto& g, const auto&, const auto& a, const auto&) {
        return matmul(g, a, {true, false});
    };
    require_found_by(row_of_product(right_a, right_b), {});
    require_found_by(row_of_product(not_transposed, right_b), {check_first_order, check_second_order});
    require_found_by(row_of_product(right_a, exchanged), {check_first_order, check_second_order});
    require_found_by(row_of_product(right_b, right_a), {check_first_order, check_second_order});
}

TEST_CASE("op table checks: float that is less exact than it could be is found") {
    const auto coarse = custom(
        "wave",
        [](const auto& x) {
            const double error = sizeof(typename std::decay_t<decltype(x)>::value_type) == 4 ? 2e-6 : 0;
            return sin(x) * x * (1 + error);
        },
        [](const auto& g, const auto&, const auto& x) { return g * right_slope(x); });
    require_found_by(row_of(coarse), {check_float});
}

TEST_CASE("op table checks: an element whose last bit depends on where it stands is found") {
    const auto lopsided = custom(
        "wave",
        [](const auto& x) {
            auto result = (sin(x) * x).tensor();
            const std::size_t lanes = result.size() / 8 * 8;  // the tail is rounded otherwise
            for (std::size_t i = lanes; i < result.size(); ++i)
                result.data()[i] = std::nextafter(result.data()[i], decltype(+result.data()[i])(9));
            return result;
        },
        [](const auto& g, const auto&, const auto& x) { return g * right_slope(x); });
    require_found_by(row_of(lopsided), {check_positions});
}

TEST_CASE("op table checks: what accepts wrong shapes, or says too little, is found") {
    const auto first = custom(
        "first", [](const auto& a, const auto&) { return 1 * a; },
        [](const auto& g, const auto&, const auto&, const auto&) { return g; },
        [](const auto&, const auto&, const auto&, const auto& b) { return 0 * b; });
    const Row careless = row(
                             "first", [first](const auto& x) { return first(x[0], x[1]); },
                             [](const Tensors& x) { return x[0]; })
                             .rejects({{2}, {3}});
    CHECK(!check_rejections(careless).empty());

    const auto terse = [](const std::string& text) {
        return row(
                   "terse",
                   [text](const auto& x) {
                       if (x[0].shape() != x[1].shape()) throw std::invalid_argument(text);
                       return x[0];
                   },
                   [](const Tensors& x) { return x[0]; })
            .rejects({{2}, {3}});
    };
    const std::string line = std::to_string(terse("").call_site.line() + 3);
    const std::string here = " (op_table_checks_test.cpp:" + line + ", encoder/t=3)";
    CHECK(check_rejections(terse("terse: a is [2] and b is [3]" + here)).empty());
    CHECK(!check_rejections(terse("a is [2] and b is [3]" + here)).empty());
    CHECK(!check_rejections(terse("terse: b is [3]" + here)).empty());
    CHECK(!check_rejections(terse("terse: a is [2]" + here)).empty());
    CHECK(!check_rejections(terse("terse: a is [2] and b is [3] (map.hpp:12, encoder/t=3)")).empty());
    CHECK(!check_rejections(terse("terse: a is [2] and b is [3] (op_table_checks_test.cpp:" + line + ")"))
               .empty());
}
