#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <algorithm>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("gather_rows: a row that is gathered k times gets k contributions") {
    Parameter<double> table("table", tensor({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
    Tape<double> tape;
    const Var<double> rows = gather_rows(table, {1, 3, 1, 1});
    check_same_bits(rows.value(), tensor({4, 2}, {3, 4, 7, 8, 3, 4, 3, 4}));
    const Tensor<double> c = tensor({4, 2}, {1, 10, 2, 20, 3, 30, 4, 40});
    check_close(gradient(std::vector<GradientRoot<double>>{{rows, c}}, {table})[table],
                tensor({4, 2}, {0, 0, 8, 80, 0, 0, 2, 20}));
    // Gathered at two places, and used whole as well.
    const Var<double> J = sum(gather_rows(table, {0, 1})) + sum(gather_rows(table, {1})) + sum(square(table));
    check_close(gradient(J, {table})[table], tensor({4, 2}, {3, 5, 8, 10, 10, 12, 14, 16}));
    check_close(gradient_graph(J, {table})[table].value(), tensor({4, 2}, {3, 5, 8, 10, 10, 12, 14, 16}));
}

TEST_CASE("gather_rows: positions come from any container or expression of integers") {
    Tape<double> tape;
    const Var<double> table = input(tensor({3, 1}, {1, 2, 3}));
    const std::vector<int> list{2, 0};
    const std::array<std::uint8_t, 2> bytes{2, 0};
    const xt::xarray<long> matrix{{2, 0}, {1, 1}};
    check_same_bits(gather_rows(table, list).value(), tensor({2, 1}, {3, 1}));
    check_same_bits(gather_rows(table, bytes).value(), tensor({2, 1}, {3, 1}));
    check_same_bits(gather_rows(table, matrix).value(), tensor({2, 2, 1}, {3, 1, 2, 2}));
    check_same_bits(gather_rows(table, Indices{2, 0, 1, 1}.reshaped({2, 1, 2})).value(),
                    tensor({2, 1, 2, 1}, {3, 1, 2, 2}));
    CHECK_THROWS_AS(Indices({1, 2, 3}).reshaped({2}), std::invalid_argument);
    // They belong to the tape: the list may change.
    std::vector<int> changing{0, 0};
    const Var<double> rows = gather_rows(table, changing);
    changing = {2, 2};
    check_close(gradient(sum(rows), {table})[table], tensor({3, 1}, {2, 0, 0}));
}

TEST_CASE("scatter_add: duplicates add up") {
    Tape<double> tape;
    const Var<double> target = input(vector({10, 20, 30}));
    const Var<double> source = input(vector({1, 2, 3, 4}));
    const Var<double> y = scatter_add(target, {2, 0, 2, 2}, source);
    check_close(y.value(), vector({12, 20, 38}));
    check_same_bits(target.value(), vector({10, 20, 30}));
    const auto g = gradient(std::vector<GradientRoot<double>>{{y, vector({5, 6, 7})}}, {target, source});
    check_close(g[target], vector({5, 6, 7}));
    check_close(g[source], vector({7, 5, 7, 7}));
}

TEST_CASE("indexing: a position out of range is an error that says which, before anything is recorded") {
    Tape<double> tape;
    const Var<double> table = input(filled({3, 2}, 1));
    const std::size_t size = tape.size();
    CHECK(
        text_of<std::invalid_argument>([&] {
            gather_rows(table, {0, 1, 3});
        }).starts_with("gather_rows: table is [3, 2]; element 2 of the indices is 3, it must be in 0 .. 2"));
    CHECK(
        text_of<std::invalid_argument>([&] {
            gather_rows(table, {0, -1});
        }).starts_with("gather_rows: table is [3, 2]; element 1 of the indices is -1, it must be in 0 .. 2"));
    CHECK_THROWS_AS(scatter_add(table, {7}, filled({1, 2}, 1)), std::invalid_argument);
    CHECK_THROWS_AS(take_along(table, Indices{2}.reshaped({1, 1}), 1), std::invalid_argument);
    CHECK_THROWS_AS(one_hot<double>({0, 5}, 5), std::invalid_argument);
    CHECK_THROWS_AS(one_hot<double>({0}, 0), std::invalid_argument);
    CHECK(tape.size() == size);
}

TEST_CASE("take_along: one element of each row, as a loss takes its targets") {
    Tape<double> tape;
    const Var<double> x = input(tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
    const Var<double> y = take_along(x, Indices{1, 0, 1}.reshaped({3, 1}), 1);
    check_same_bits(y.value(), tensor({3, 1}, {2, 3, 6}));
    check_close(gradient(std::vector<GradientRoot<double>>{{y, tensor({3, 1}, {7, 8, 9})}}, {x})[x],
                tensor({3, 2}, {0, 7, 8, 0, 0, 9}));
}

TEST_CASE("one_hot: a 1 where each position says") {
    check_same_bits(one_hot<double>({1, 0}, 3), tensor({2, 3}, {0, 1, 0, 1, 0, 0}));
    check_same_bits(as_double(one_hot<float>(Indices{1, 2}.reshaped({2, 1}), 3)),
                    tensor({2, 1, 3}, {0, 1, 0, 0, 0, 1}));
    check_same_bits(one_hot<double>(std::vector<int>{}, 3), filled({0, 3}, 0));
    check_same_bits(one_hot<double>(std::vector<int>{}, 0), filled({0, 0}, 0));
}

TEST_CASE("shared memory: a slice, a reshape and an unstack look at x, and their gradients come back to it") {
    Tape<double> tape;
    const Var<double> x = input(tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
    CHECK(reshape(x, {6}).array().data() == x.array().data());
    CHECK(slice(x, 0, 1, 3).array().data() == x.array().data() + 2);
    CHECK(unstack(x)[2].array().data() == x.array().data() + 4);
    CHECK(expand_dims(x, 0).array().data() == x.array().data());
    CHECK(columns(x, 1, 2).array().data() != x.array().data() + 1);
    const std::vector<Var<double>> rows = unstack(x);
    const Var<double> J = sum(rows[0] * rows[2]) + sum(x * x) + sum(slice(x, 0, 1, 2));
    check_close(gradient(J, {x})[x], tensor({3, 2}, {2 + 5, 4 + 6, 6 + 1, 8 + 1, 10 + 1, 12 + 2}));
    // Asked for themselves, beside the whole.
    const auto g = gradient(J, {rows[0], x, rows[1], rows[2]});
    check_close(g[rows[0]], vector({5, 6}));
    check_close(g[rows[1]], vector({0, 0}));
    check_close(g[rows[2]], vector({1, 2}));
    check_close(g[x], tensor({3, 2}, {7, 10, 7, 9, 11, 14}));
}

TEST_CASE("unstack: a root may be any of the results, and so may what is asked for") {
    Tape<double> tape;
    const Var<double> x = input(tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
    const std::vector<Var<double>> rows = unstack(x);
    const Tensor<double> c = vector({7, 8});
    for (std::size_t k = 0; k < 3; ++k) {
        CAPTURE(k);
        Tensor<double> expected = filled({3, 2}, 0);
        std::copy_n(c.data(), 2, expected.data() + 2 * k);
        check_same_bits(gradient(std::vector<GradientRoot<double>>{{rows[k], c}}, {x})[x], expected);
        const auto recorded =
            gradient_graph(std::vector<GradientGraphRoot<double>>{{rows[k], input(c)}}, {x});
        check_same_bits(recorded[x].value(), expected);
        const auto by_row = gradient(sum(rows[0] * rows[1] * rows[2]), {rows[k]});
        check_close(by_row[rows[k]], rows[(k + 1) % 3].value() * rows[(k + 2) % 3].value());
    }
}

TEST_CASE("split: more parts than the tape has room for") {
    Tape<double> tape;
    const Var<double> x =
        input(generate({3000, 2}, [](const Position& p) { return static_cast<double>(p[0]); }));
    const std::vector<Var<double>> parts = split(x, 3000, 0);
    CHECK(parts[2999].value()(0, 1) == 2999);
    CHECK(parts[1].shape() == Shape{1, 2});
    const std::vector<Var<double>> rows = unstack(x);
    check_close(gradient(sum(concatenate(parts, 0) * x) + sum(rows[7]), {x})[x],
                generate({3000, 2}, [](const Position& p) {
                    return 2 * static_cast<double>(p[0]) + (p[0] == 7 ? 1 : 0);
                }));
}

TEST_CASE("concatenate: of nothing, and of one") {
    Tape<double> tape;
    CHECK(contains(text_of<std::invalid_argument>([] { concatenate(std::vector<Var<double>>{}, 0); }),
                   "concatenate: no parts; it needs at least one (index_test.cpp:"));
    CHECK_THROWS_AS(stack(std::vector<Var<double>>{}), std::invalid_argument);
    const Var<double> x = input(vector({1, 2}));
    check_same_bits(concatenate({x}, 0).value(), x.value());
    check_close(gradient(sum(concatenate({x, x, x}, 0) * vector({1, 2, 3, 4, 5, 6})), {x})[x],
                vector({9, 12}));
}
