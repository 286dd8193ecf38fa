#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <type_traits>

using namespace tapeloop;
using namespace tapeloop::test;

static_assert(!std::is_copy_constructible_v<Parameter<double>>);
static_assert(!std::is_copy_assignable_v<Parameter<double>>);
static_assert(std::is_nothrow_move_constructible_v<Parameter<double>>);

TEST_CASE("parameter: a value of another shape is refused, and nothing is changed") {
    Parameter<double> p("encoder/W", filled({2, 3}, 1));
    CHECK(text_of<std::invalid_argument>([&] {
              p.assign(filled({3, 2}, 5));
          }) == "assign: parameter 'encoder/W' is [2, 3] and the new value is [3, 2]");
    check_same_bits(p.value(), filled({2, 3}, 1));
    CHECK(p.storage()->version == 0);
    p.assign(filled({2, 3}, 5));
    check_same_bits(p.value(), filled({2, 3}, 5));
    CHECK(p.storage()->version == 1);
}

TEST_CASE("parameter: moved it is the same one, cloned another") {
    Parameter<double> p("p", vector({1, 2}));
    Parameter<double> copy = p.clone();
    copy.update()[0] = 9;
    check_same_bits(p.value(), vector({1, 2}));
    CHECK(copy.name() == "p");
    Tape<double> tape;
    const Var<double> y = sum(p * p + copy);
    const Parameter<double> moved = std::move(p);
    const auto g = gradient(y, {moved, copy});
    check_close(g[moved], vector({2, 4}));
    check_close(g[copy], vector({1, 1}));
}

TEST_CASE("parameter: two of one name are two") {
    Parameter<double> a("W", vector({2}));
    Parameter<double> b("W", vector({3}));
    Tape<double> tape;
    const auto g = gradient(a * a * b, {a, b});
    check_close(g[a], vector({12}));
    check_close(g[b], vector({4}));
}

TEST_CASE("parameter: changed after it was recorded, the tape can no longer be differentiated") {
    const std::string text =
        "gradient: parameter 'W' was changed after it was recorded; differentiate before the update";
    Parameter<double> W("W", vector({2}));
    Parameter<double> other("other", vector({3}));
    const auto refused = [&](const auto& use, const auto& wrt, bool recorded) {
        Tape<double> tape;
        const Var<double> J = use();
        W.update()[0] += 1;
        const std::size_t size = tape.size();
        const std::string actual = text_of<std::logic_error>([&] {
            if (recorded)
                gradient_graph(J, wrt);
            else
                gradient(J, wrt);
        });
        CHECK(actual == text);
        CHECK(tape.size() == size);
    };
    for (bool recorded : {false, true}) {
        CAPTURE(recorded);
        refused([&] { return W * other; }, WrtList<double>{W}, recorded);
        refused([&] { return W * other; }, WrtList<double>{W, other}, recorded);
        // Its gradient is not asked for, but its value, which rules read, is no longer that of the forward
        // pass.
        refused([&] { return W * other; }, WrtList<double>{other}, recorded);
        refused([&] { return sum(reshape(W, {1, 1}) * other); }, WrtList<double>{other}, recorded);
        refused([&] { return detach(W) * other; }, WrtList<double>{other}, recorded);
    }
}

TEST_CASE("parameter: changed before it was recorded, or on a later tape, it is fine") {
    Parameter<double> W("W", vector({2}));
    for (int step = 0; step < 3; ++step) {
        const double value = W.value()[0];
        const auto g = [&] {
            Tape<double> tape;
            return gradient(W * W, {W});
        }();
        check_close(g[W], vector({2 * value}));
        W.update()[0] -= 0.1 * g[W][0];
    }
    check_close(W.value(), vector({2 * 0.8 * 0.8 * 0.8}));
}

TEST_CASE("parameter: lists name paths and count values") {
    Parameter<double> U("U", filled({2, 3}, 0));
    Parameter<double> W("W", filled({3, 3}, 0));
    Parameter<double> b("b", filled({3}, 0));
    ParameterList<double> cell = parameter_list(U, W, b);
    ParameterList<double> model;
    model.add("encoder", cell);
    model.add("decoder/layer0", parameter_list(b));
    CHECK(model.size() == 4);
    CHECK(model[0].path == "encoder/U");
    CHECK(model[2].path == "encoder/b");
    CHECK(model[3].path == "decoder/layer0/b");
    CHECK(model[3].parameter == &b);
    CHECK(cell.value_count() == 18);
    Tape<double> tape;
    WrtList<double> wrt(cell);
    const Var<double> x = input(filled({3}, 1));
    const auto g = gradient(sum(W * x + b), wrt.add(x));
    CHECK(g.size() == 4);
    check_close(g[b], filled({3}, 3));
    check_close(g[x], filled({3}, 0));
    check_close(g[U], filled({2, 3}, 0));
}
