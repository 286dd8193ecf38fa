#include <tests/nn/layers/against_loops.hpp>

#include <nn/generator.hpp>
#include <nn/layers/embedding.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

Tensors rows_in_loops(const Tensor<double>& table, const std::vector<std::ptrdiff_t>& tokens, Shape shape) {
    shape.append(table.shape()[1]);
    const std::size_t width = table.shape()[1];
    Tensor<double> rows = tapeloop::detail::uninitialised<double>(shape);
    for (std::size_t i = 0; i < tokens.size(); ++i)
        for (std::size_t k = 0; k < width; ++k)
            rows.data()[i * width + k] = at(table, {static_cast<std::size_t>(tokens[i]), k});
    return {rows};
}

}  // namespace

TEST_CASE("Embedding: rows of the table, for tokens of any shape, a token twice gets both gradients") {
    Random random("embedding");
    const std::vector<std::ptrdiff_t> tokens{3, 0, 3, 4, 3, 1};
    const Tensor<double> table = random.tensor({5, 2});
    nn::Embedding<double> embedding(table);
    for (const Shape& shape : {Shape{6}, Shape{3, 2}, Shape{1, 2, 3}}) {
        CAPTURE(shape.text());
        const Indices indices = Indices(tokens).reshaped(shape);
        check_against_loops([&](const auto&) { return std::vector{square(embedding(indices))}; },
                            [&](const Tensors& x) {
                                return Tensors{each(rows_in_loops(x[0], tokens, shape)[0],
                                                    [](double element) { return element * element; })};
                            },
                            {table}, embedding.parameters());
    }
}

TEST_CASE("Embedding: the padding's row is zeros at first, and never gets a gradient") {
    nn::Generator generator(3);
    nn::Embedding<double> fresh(4, 3, generator, {.padding = 2});
    check_same_bits(part_of(fresh.table.value(), 0, 2, 1), filled({1, 3}, 0));
    for (std::size_t row : {0U, 1U, 3U})
        CHECK(difference(part_of(fresh.table.value(), 0, row, 1), filled({1, 3}, 0), 1e-3) != "");

    Random random("padding");
    const Tensor<double> table = random.tensor({4, 3});
    const Tensor<double> cotangent = random.tensor({2, 2, 3});
    nn::Embedding<double> embedding(table, {.padding = 2});
    const Tape<double> tape;
    const Var<double> y = embedding(Indices{2, 1, 1, 2}.reshaped({2, 2}));
    check_same_bits(y.value(), rows_in_loops(table, {2, 1, 1, 2}, {2, 2})[0]);
    const Tensor<double> g =
        gradient(std::vector<GradientRoot<double>>{{y, cotangent}}, {embedding.table}).at(0);
    check_close(g, generate({4, 3}, [&](const Position& i) {
                    return i[0] == 1 ? at(cotangent, {0, 1, i[1]}) + at(cotangent, {1, 0, i[1]}) : 0;
                }));
    // Second order: d/dtable of sum(g * c) of squares has no part of the padding either.
    const auto graph = gradient_graph(sum(square(y)), {embedding.table});
    const Tensor<double> second = gradient(sum(graph.at(0)), {embedding.table}).at(0);
    check_close(second, generate({4, 3}, [](const Position& i) { return i[0] == 1 ? 4 : 0; }));
}

TEST_CASE("Embedding: no tokens, float, the path of its parameter") {
    nn::Generator generator(1);
    nn::Embedding<float> embedding(3, 2, generator);
    CHECK(embedding.parameters()[0].path == "table");
    const Tape<float> tape;
    const Var<float> none = embedding(Indices(std::vector<int>{}).reshaped({0, 4}));
    CHECK(none.shape() == Shape{0, 4, 2});
    check_same_bits(as_double(gradient(sum(none), {embedding.table}).at(0)), filled({3, 2}, 0));
    const Var<float> some = embedding({1});
    CHECK(some.array().data()[1] == embedding.table.value()(1, 1));
}

TEST_CASE("Embedding: errors say the place of a token, and leave the tape as it is") {
    nn::Generator generator(1);
    const nn::Embedding<double> embedding(5, 3, generator);
    const Tape<double> tape;
    const auto text = [&](std::ptrdiff_t token) {
        return text_of<std::invalid_argument>([&] {
            embedding(Indices{0, 1, 4, token, 2, 0}.reshaped({2, 3}));
        });
    };
    CHECK(contains(text(5), "Embedding: the token at [1, 0] is 5; table is [5, 3], so it must be in 0..4 ("));
    CHECK(contains(text(5), "embedding_test.cpp"));
    CHECK(contains(text(-1), "the token at [1, 0] is -1;"));
    CHECK(text(4) == "");
    const std::size_t size = tape.size();
    text(5);
    CHECK(tape.size() == size);
    const auto refused = [](auto&& make) { return text_of<std::invalid_argument>([&] { make(); }); };
    CHECK(refused([&] { nn::Embedding<double>(0, 3, generator); }) ==
          "Embedding: tokens is 0 and size 3; both must be at least 1");
    CHECK(refused([&] { nn::Embedding<double>(5, 3, generator, {.padding = 5}); }) ==
          "Embedding: padding is 5 and table [5, 3]; it must be in 0..4");
    CHECK(refused([&] { nn::Embedding<double>(filled({5}, 1)); }) ==
          "Embedding: table is [5]; it must be a matrix [N, D] with elements");
}
