#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <memory>
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

TEST_CASE("parameter: every use of one that was moved from says so, until it gets a new value") {
    Parameter<double> p("W", vector({1, 2}));
    Parameter<double> kept = std::move(p);
    Tape<double> tape;
    const std::string expected = "parameter 'W': it was moved from; use the one that it was moved to";
    const auto said = [](const auto& use) { return text_of<std::logic_error>(use); };
    // NOLINTBEGIN(bugprone-use-after-move)
    CHECK(said([&] { p + 1; }) == expected);
    CHECK(said([&] { sum(p); }) == expected);
    CHECK(said([&] { input(p); }) == expected);
    CHECK(said([&] { p.name(); }) == expected);
    CHECK(said([&] { p.shape(); }) == expected);
    CHECK(said([&] { p.value(); }) == expected);
    CHECK(said([&] { p.clone(); }) == expected);
    CHECK(said([&] { p.assign(vector({1, 2})); }) == expected);
    CHECK(said([&] { p.update(); }) == expected);
    CHECK(said([&] { p.storage(); }) == expected);
    CHECK(said([&] { parameter_list(p); }) == expected);
    CHECK(said([&] { gradient(sum(kept), {p}); }) == expected);
    Parameter<double> also = std::move(p);
    CHECK(said([&] { also.value(); }) == expected);
    p = Parameter<double>("again", vector({3}));
    check_same_bits(p.value(), vector({3}));
    check_same_bits(kept.value(), vector({1, 2}));
    Parameter<double>& self = kept;
    kept = std::move(self);
    check_same_bits(kept.value(), vector({1, 2}));
    // NOLINTEND(bugprone-use-after-move)
}

TEST_CASE("parameter: a list follows what it lists, and says when that is gone") {
    auto first = std::make_unique<Parameter<double>>("W", vector({1, 2}));
    const ParameterList<double> list = parameter_list(*first);
    auto second = std::make_unique<Parameter<double>>(std::move(*first));
    first.reset();
    CHECK(list[0].parameter == second.get());
    Parameter<double> third;
    third = std::move(*second);
    second.reset();
    CHECK(list[0].parameter == &third);
    {
        Tape<double> tape;
        check_close(gradient(sum(third * 2), list).at(0), vector({2, 2}));
    }
    third = Parameter<double>("other", vector({5, 6, 7}));
    CHECK(list[0].parameter == &third);
    CHECK(list.value_count() == 3);
    third = Parameter<double>("yet another", vector({5}));
    std::vector<Parameter<double>> moved;
    moved.push_back(std::move(third));
    moved.emplace_back("next", vector({1}));  // the first is moved once more
    moved.emplace_back("next", vector({1}));
    CHECK(list[0].parameter == moved.data());
    std::swap(moved[0], moved[2]);
    CHECK(list[0].parameter == &moved[2]);
    moved.clear();
    CHECK(list[0].parameter.find() == nullptr);
    CHECK(text_of<std::logic_error>([&] {
              list.value_count();
          }).starts_with("parameter 'W': it was destroyed after it was listed"));
}

TEST_CASE("parameter: one that is listed twice counts once") {
    Parameter<double> W("W", filled({3, 3}, 0));
    ParameterList<double> model;
    model.add("encoder", parameter_list(W));
    model.add("decoder", parameter_list(W));
    CHECK(model.size() == 2);
    CHECK(model.value_count() == 9);
}
