#include <tests/autograd/ops/op_names.hpp>
#include <tests/autograd/ops/op_table.hpp>

#include <autograd/ops/index.hpp>

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

/// No row: `input` makes a node of what is given, and `one_hot` takes integers. Both are tested on their own.
const std::set<std::string> without_row{"input", "one_hot"};

std::set<std::string> names_of_rows() {
    std::set<std::string> names;
    for (const Row& row : all_rows()) names.insert(row.name);
    return names;
}

/// What is in `a` and not in `b`.
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
    const std::set<std::string> declared = declared_operations();
    const std::set<std::string> rows = names_of_rows();
    CHECK(declared.size() > 60);
    for (const std::string& name : missing(missing(declared, rows), without_row))
        FAIL_CHECK("the operation '" << name << "' has no row in the op table");
    for (const std::string& name : missing(rows, declared))
        FAIL_CHECK("the op table has a row for '" << name << "', which no header declares");
    for (const std::string& name : missing(without_row, declared)) FAIL_CHECK(name << " is not declared");
}

TEST_CASE("op table: an operation that is declared anywhere in the engine is found") {
    const auto names = [](std::string_view header) { return declared_operations(header, true); };
    CHECK(names("Var<float> cbrt(const Operand<float>& x);\nVar<double> cbrt(const Operand<double>& x);\n") ==
          std::set<std::string>{"cbrt"});
    CHECK(names("std::array<Var<double>, 2> sincos(const Operand<double>& x);") ==
          std::set<std::string>{"sincos"});
    CHECK(names("std::vector<Var<double>> split(const Operand<double>& x,") ==
          std::set<std::string>{"split"});
    CHECK(names("Ordered<double> top_k(const Operand<double>& x, int axis = -1);") ==
          std::set<std::string>{"top_k"});
    CHECK(names("template <class T>\nVar<T> softsign(const Var<T>& x) {") ==
          std::set<std::string>{"softsign"});
    CHECK(
        names("    friend Var<T> operator%(const Operand<T>& a, const Operand<T>& b) { return f(a, b); }") ==
        std::set<std::string>{"operator%"});
    CHECK(names("    friend Var<T> operator!(const Operand<T>& x) { return f(x); }") ==
          std::set<std::string>{"operator! of one argument"});
    CHECK(names("    Var<double> member(int x);\nGradients<double> gradient(const Var<double>& J, int);")
              .empty());
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
