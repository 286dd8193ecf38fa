#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/order.hpp>
#include <autograd/parameter.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using List = std::vector<std::ptrdiff_t>;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("sort: the order is stable either way, and NaN is above all numbers") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, not_a_number, 0, 1, infinity, -0.0, not_a_number, -infinity}));
    const auto up = sort(x);
    CHECK(up.indices.values() == List{7, 2, 5, 0, 3, 4, 1, 6});
    check_close(up.values.value(), vector({-infinity, 0, 0, 1, 1, infinity, not_a_number, not_a_number}));
    const auto down = sort(x, 0, true);
    CHECK(down.indices.values() == List{1, 6, 4, 0, 3, 2, 5, 7});
    CHECK(top_k(x, 4).indices.values() == List{1, 6, 4, 0});
    // Each of several equal elements gets its own cotangent.
    check_close(
        gradient(std::vector<GradientRoot<double>>{{up.values, vector({1, 2, 3, 4, 5, 6, 7, 8})}}, {x})[x],
        vector({4, 7, 2, 5, 6, 3, 8, 1}));
}

TEST_CASE("sort: positions are those along the axis, in the shape of the values") {
    Tape<double> tape;
    const Var<double> x = input(tensor({2, 3}, {3, 1, 2, 0, 5, 2}));
    const auto rows = sort(x, 1);
    CHECK(rows.indices.shape() == Shape{2, 3});
    CHECK(rows.indices.values() == List{1, 2, 0, 0, 2, 1});
    check_same_bits(take_along(x, rows.indices, 1).value(), rows.values.value());
    const auto columns = top_k(x, 1, 0);
    CHECK(columns.indices.shape() == Shape{1, 3});
    CHECK(columns.indices.values() == List{0, 1, 0});
    check_same_bits(take_along(x, columns.indices, 0).value(), columns.values.value());
}

TEST_CASE("argmax and argmin: the first of several, NaN before all, and nothing recorded") {
    Tape<double> tape;
    const Var<double> x = input(tensor({2, 3}, {3, 1, 3, 0, 5, 0}));
    const std::size_t size = tape.size();
    CHECK(argmax(x).values() == List{0, 1});
    CHECK(argmax(x).shape() == Shape{2});
    CHECK(argmin(x, 1, true).values() == List{1, 0});
    CHECK(argmin(x, 1, true).shape() == Shape{2, 1});
    CHECK(argmax(x, 0).values() == List{0, 1, 0});
    CHECK(argmax(vector({1, not_a_number, infinity, not_a_number})).values() == List{1});
    CHECK(argmin(vector({1, -infinity, not_a_number, not_a_number})).values() == List{2});
    CHECK(argmax(vector({not_a_number, 1})).shape() == Shape{});
    CHECK(argmin(vector({not_a_number, 1})).values() == List{0});
    CHECK(argmax(filled({0, 2}, 0), 1).shape() == Shape{0});
    CHECK(tape.size() == size);
    const Parameter<float> p("p", Tensor<float>{1, 4, 2});
    CHECK(argmax(p).values() == List{1});
}

TEST_CASE("argmax and argmin: an empty axis and one that is not there are refused") {
    const auto line = std::to_string(CallSite::current().line() + 1);
    const std::string text = text_of<std::invalid_argument>([] { argmax(filled({2, 0}, 0), 1); });
    CHECK(text == "argmax: over no elements, x is [2, 0] and axis 1 is empty (order_test.cpp:" + line + ")");
    CHECK(text_of<std::invalid_argument>([] { argmin(filled({2}, 0), 1); }).starts_with("argmin: "));
    CHECK(text_of<std::invalid_argument>([] { argmax(filled({}, 0)); }).starts_with("argmax: "));
}
