#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/embedding.hpp>
#include <nn/sequence/lengths.hpp>

#include <limits>
#include <new>
#include <stdexcept>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t large = std::size_t{1} << 16;
constexpr auto minus = [](std::ptrdiff_t n) { return static_cast<std::size_t>(-n); };

/// A tensor of no elements, which may have large extents.
Tensor<double> empty(const Shape& shape) { return tapeloop::detail::uninitialised<double>(shape); }

/// Runs something that asks for too much: refused by name, or not to be had; nothing is left on the tape.
template <class F>
void check_refused(std::string_view name, F&& f) {
    Tape<double>& tape = Tape<double>::current();
    const auto before = tape.mark();
    const std::string text = text_of<std::invalid_argument>(f);
    CAPTURE(text);
    CHECK(text.starts_with(std::string(name) + ": "));
    CHECK(text.find('[') != std::string::npos);
    CHECK(tape.mark() == before);
}
template <class F>
void check_not_to_be_had(F&& f) {
    Tape<double>& tape = Tape<double>::current();
    const auto before = tape.mark();
    CHECK_THROWS_AS(f(), std::bad_alloc);
    CHECK(tape.mark() == before);
}

}  // namespace

TEST_CASE("sizes: a shape has at most 2^58 elements, axes of extent 0 not counted, and says so") {
    CHECK(Shape{large, large, large, 1024}.size() == Shape::max_size);
    CHECK_THROWS_AS((Shape{large, large, large, 1025}), ShapeError);
    CHECK_THROWS_AS((Shape{large, large, large, large}), ShapeError);
    CHECK_THROWS_AS((Shape{0, large, large, large, large}), ShapeError);
    CHECK_THROWS_AS((Shape{large, large, large, large, 0}), ShapeError);
    CHECK((Shape{0, large, large}.size()) == 0);
    CHECK_THROWS_AS((Shape{1, large, large, large}).with(0, large), ShapeError);
    CHECK_THROWS_AS((Shape{minus(500)}), ShapeError);
    CHECK(contains(text_of<ShapeError>([] { Shape{3, minus(500)}; }), "-500"));
    const std::vector<std::size_t> nine(9, 1);
    CHECK_THROWS_AS(Shape(std::span(nine)), ShapeError);
    Shape shape{large, large, large};
    CHECK_THROWS_AS(shape.append(large), ShapeError);
    CHECK(shape == Shape{large, large, large});
}

TEST_CASE("sizes: no operation takes what overflows") {
    Tape<double> tape;
    const Var<double> x = input(filled({3}, 1));
    const Var<double> s = input(filled({}, 1));
    check_refused("pad", [&] { pad(x, {{minus(500), 0}}); });
    check_refused("pad", [&] { pad(x, {{0, minus(1)}}); });
    check_refused("pad", [&] { pad(x, {{minus(500), 500}}); });
    check_refused("pad", [&] { pad(x, {{500, minus(500)}}); });
    check_refused("pad", [&] { pad(x, {{minus(2), minus(2)}}); });
    check_refused("pad", [&] { pad(x, {{std::size_t{1} << 32, 0}}); });
    check_refused("pad", [&] {
        pad(filled({1, 1}, 1), {{0, (std::size_t{1} << 31)}, {0, std::size_t{1} << 31}});
    });
    const Var<double> none = input(empty({0}));
    const std::size_t two_31 = std::size_t{1} << 31;
    check_refused("shape", [&] { exp(broadcast_to(s, {two_31, two_31})); });
    check_not_to_be_had([&] { exp(broadcast_to(s, {two_31, two_31 / 16})); });
    check_refused("shape", [&] { reshape(none, {large, large, large, large}); });
    check_refused("reshape", [&] { reshape(x, {large, large, large}); });

    const Var<double> a = input(empty({large, 1, large, 1, 0}));
    const Tensor<double> b = empty({1, large, 1, large, 0});
    const Var<double> across = input(b);
    const Var<double> condition = input(filled({1}, 1));
    check_refused("add", [&] { a + b; });
    check_refused("multiply", [&] { a* b; });
    check_refused("where", [&] { where(condition, a, b); });
    check_refused("map", [&] { map([](auto p, auto q) { return p * q; }, a, across); });
    check_refused("matmul", [&] { matmul(empty({large, 1, large, 0}), empty({1, large, 0, large})); });
    const Var<double> eight = input(empty({0, 1, 1, 1, 1, 1, 1, 1}));
    check_refused("expand_dims", [&] { expand_dims(eight, 0); });
    const Var<double> wide = input(empty({large, large, large, 1024, 0}));
    check_refused("concatenate", [&] { concatenate({wide, wide}, 0); });
    const std::vector<Var<double>> many(2048, input(empty({large, large, large, 0, 1})));
    check_refused("stack", [&] { stack(many); });
    CHECK((input(empty({large, 1, 0, 1})) + empty({1, large, 1, 0})).shape() == Shape{large, large, 0, 0});

    check_refused("columns", [&] { columns(x, minus(1), 3); });
    check_refused("columns", [&] { columns(x, 0, minus(1)); });
    check_refused("split", [&] { split(x, minus(3), 0); });
    check_refused("split", [&] { split(none, minus(3), 0); });
    CHECK(slice(x, 0, 0, 3, minus(1)).shape() == Shape{1});
    CHECK(slice(x, 0, 3, 3, minus(1)).shape() == Shape{0});
    check_refused("slice", [&] { slice(x, 0, std::numeric_limits<std::ptrdiff_t>::min(), 3); });
    check_refused("slice", [&] { slice(x, 0, 0, std::numeric_limits<std::ptrdiff_t>::max()); });
    const Var<double> table = input(empty({1, large, large, large, 0}));
    check_refused("gather_rows", [&] { gather_rows(table, Indices(std::vector<std::ptrdiff_t>(2048, 0))); });
    check_refused("one_hot", [&] { one_hot<double>({0}, minus(1)); });
    check_refused("one_hot", [&] { one_hot<double>(Indices({0, 0}).reshaped({2}), std::size_t{1} << 32); });
}

TEST_CASE("sizes: rules over arrays, and a function of the user's, are held to the same") {
    Tape<double> tape;
    const Var<double> x = input(filled({3}, 1));
    const auto growing = custom(
        "growing",
        [](const auto& v) {
            return broadcast_to(v, {1024, large, large, large, 3});
        },
        [](const auto& g, const auto&, const auto&) { return g; });
    check_refused("growing", [&] { growing(x); });
    const auto padded = custom(
        "padded", [](const auto& v) { return 1.0 * v; },
        [](const auto& g, const auto&, const auto&) {
            return pad(g, {{minus(500), 500}});
        });
    const Var<double> J = sum(padded(x));
    check_refused("pad", [&] { gradient(J, {x}); });
    check_refused("pad", [&] { gradient_graph(J, {x}); });
}

TEST_CASE("sizes: memory that is not to be had is an error of its own") {
    CHECK_THROWS_AS(tapeloop::detail::pool_allocate(minus(1)), std::bad_alloc);
    CHECK_THROWS_AS(tapeloop::detail::pool_allocate(minus(64)), std::bad_alloc);
    for (std::size_t bits = 50; bits < 64; ++bits)
        for (std::size_t less : {0U, 1U, 63U})
            CHECK_THROWS_AS(tapeloop::detail::pool_allocate((std::size_t{1} << bits) - less), std::bad_alloc);
    Tape<double> tape;
    CHECK_THROWS_AS(tape.allocate(minus(1)), std::bad_alloc);
    CHECK_THROWS_AS(tape.allocate(Shape::max_size), std::bad_alloc);
    CHECK_THROWS_AS(Buffer<double>(Shape{large, large, large, 1024}), std::bad_alloc);
    CHECK_THROWS_AS(tapeloop::detail::uninitialised<float>(Shape{large, large, large, 1024}), std::bad_alloc);
    Parameter<double> p("p", filled({1}, 1));
    const auto before = tape.mark();
    CHECK_THROWS_AS(broadcast_to(p, {large, large, large}), std::bad_alloc);
    CHECK(tape.mark() == before);
    CHECK(tape.find(p.storage().get()) == nullptr);
}

TEST_CASE("sizes: layers, cells and initialisers") {
    nn::Generator generator(1);
    CHECK_THROWS_AS(nn::zeros<double>({minus(3)}), std::invalid_argument);
    CHECK_THROWS_AS(nn::identity<double>(minus(3)), std::invalid_argument);
    for (std::size_t size : {minus(1), std::size_t{1} << 62, std::size_t{1} << 32}) {
        CHECK(text_of<std::invalid_argument>([&] {
                  nn::LstmCell<double>(size, 2, generator);
              }).starts_with("LstmCell"));
        CHECK(text_of<std::invalid_argument>([&] {
                  nn::LstmCell<double>(2, size, generator);
              }).starts_with("LstmCell"));
        CHECK(text_of<std::invalid_argument>([&] {
                  nn::GruCell<double>(2, size, generator);
              }).starts_with("GruCell"));
        CHECK_THROWS_AS(nn::Embedding<double>(size, 2, generator), std::invalid_argument);
        CHECK_THROWS_AS(nn::Embedding<double>(2, size, generator), std::invalid_argument);
    }
    CHECK_THROWS_AS(nn::length_mask<double>({2, minus(1)}, 3), std::invalid_argument);
}
