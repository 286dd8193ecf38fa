#include <tests/autograd/ops/op_table.hpp>

#include <autograd/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/record/defined_operations.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

void require_none(const Problems& problems) {
    for (const std::string& problem : problems) FAIL_CHECK(problem);
}

void for_all_rows(Problems (*check)(const Row&)) {
    for (const Row& row : all_rows()) require_none(check(row));
}

/// Parts of the rules and of the functions of others, whose rows run them too.
const std::set<std::string> within_others{"add_along",  "from_patches", "identity",       "patches",
                                          "pick",       "place",        "prod_of_others", "put_back",
                                          "recurrence", "scatter_rows", "shift"};

/// The operations of the engine: nn's are tested as layers and losses, and a test's lie in no namespace of
/// ours.
std::set<std::string> names_of_definitions() {
    std::set<std::string> names;
    for (const tapeloop::detail::DefinedOperation& one : tapeloop::detail::defined_operations()) {
        const std::string_view type = one.definition->name();
        const bool is_of_engine = type.starts_with("N8tapeloop") && !type.starts_with("N8tapeloop2nn") &&
                                  !type.starts_with("N8tapeloop4test") &&
                                  !type.starts_with("N8tapeloop4fuzz");
        if (is_of_engine) names.emplace(one.name);
    }
    return names;
}

std::set<std::string> names_of_rows() {
    std::set<std::string> names;
    for (const Row& row : all_rows()) names.insert(row.name);
    return names;
}

struct Cbrt {
    static constexpr std::string_view name = "cbrt_of_a_test";
    static auto value(const auto& x) { return x; }
    static auto slope(const auto&, const auto& x) { return x; }
};

/// Returns what is in `a` and not in `b`.
std::set<std::string> missing(const std::set<std::string>& a, const std::set<std::string>& b) {
    std::set<std::string> rest;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(rest, rest.end()));
    return rest;
}

}  // namespace

TEST_CASE("op table: every value is what the reference computes") { for_all_rows(check_values); }

TEST_CASE("op table: first derivatives agree with differences") { for_all_rows(check_first_order); }

TEST_CASE("op table: second derivatives agree with differences") { for_all_rows(check_second_order); }

TEST_CASE("op table: constant arguments change neither value nor the other gradients") {
    for_all_rows(check_subsets);
}

TEST_CASE("op table: float agrees with double") { for_all_rows(check_float); }

TEST_CASE("op table: an element has the same bits wherever it stands") { for_all_rows(check_positions); }

TEST_CASE("op table: wrong shapes are refused, and the error says what, why and where") {
    for_all_rows(check_rejections);
}

TEST_CASE("op table: the same variable in two places") {
    std::set<std::string> names;
    for (const Row& row : all_rows())
        for (std::size_t second = 1; second < row.domains.size(); ++second)
            for (std::size_t first = 0; first < second; ++first) {
                if (row.domains[first].is_flag != row.domains[second].is_flag) continue;
                const Row merged = with_same_variable(row, first, second);
                if (!merged.samples.empty()) names.insert(row.name);
                require_none(check_values(merged));
                // Comparing a variable with itself gives a constant, which differences may find too.
                require_none(check_first_order(merged));
                require_none(check_second_order(merged));
            }
    for (const char* name : {"add", "multiply", "minimum", "where", "matmul", "affine", "outer",
                             "concatenate", "scatter_add", "map", "custom"})
        CHECK_MESSAGE(names.contains(name), name);
}

TEST_CASE("op table: every operation has a row") {
    const std::set<std::string> defined = names_of_definitions();
    CHECK(defined.size() > 70);
    for (const std::string& name : missing(missing(defined, names_of_rows()), within_others))
        FAIL_CHECK("the operation '" << name << "' has no row in the op table");
    for (const std::string& name : missing(within_others, defined)) FAIL_CHECK(name << " is not defined");
}

TEST_CASE("op table: an operation without a row is found, wherever it is defined") {
    Tape<double> tape;
    CHECK(elementwise(Cbrt{}, input(filled({2}, 1))).shape() == Shape{2});
    const auto& all = tapeloop::detail::defined_operations();
    CHECK(std::any_of(all.begin(), all.end(), [](const auto& one) { return one.name == Cbrt::name; }));
    CHECK(names_of_definitions().contains("prod"));
    CHECK_FALSE(names_of_definitions().contains("huber"));
}

TEST_CASE("op table: every operation is run on nothing, and refuses something") {
    std::set<std::string> without_empty = names_of_rows();
    std::set<std::string> without_rejection = names_of_rows();
    for (const Row& row : all_rows()) {
        for (const std::vector<Shape>& shapes : row.samples)
            if (std::any_of(shapes.begin(), shapes.end(),
                            [](const Shape& shape) { return shape.size() == 0; }))
                without_empty.erase(row.name);
        if (row.takes_any_shape || !row.rejections.empty()) without_rejection.erase(row.name);
    }
    for (const std::string& name : without_empty) FAIL_CHECK("'" << name << "' has no sample of size 0");
    without_rejection.erase("custom");  // its errors are those of the value that the user gives
    for (const std::string& name : without_rejection)
        FAIL_CHECK("'" << name << "' has no shapes that it refuses");
}
