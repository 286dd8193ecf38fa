#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/watch.hpp>
#include <nn/sequence/unroll.hpp>

#include <memory>
#include <optional>
#include <stdexcept>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

struct Refused : std::runtime_error {
    Refused() : std::runtime_error("no") {}
};

/// An operation that records, labels and keeps much before it throws.
auto failing(std::shared_ptr<int> held) {
    return custom(
        "failing",
        [held](const Array<double>& x) -> Array<double> {
            const LabelScope<double> label("inside");
            const Var<double> recorded = exp(input(filled({1000}, 1)));
            static_cast<void>(gather_rows(recorded, {0, 1, 2}));
            if (*held > 0) throw Refused();
            return x;
        },
        [](const auto& g, const auto&, const auto&) { return g; });
}

}  // namespace

TEST_CASE(
    "attempt: taken back are nodes, inputs, labels, kept operations and memory, in blocks of any size") {
    Tape<double> tape;
    const auto owner = std::make_shared<int>(0);
    Parameter<double> p("p", vector({1, 2}));
    const LabelScope<double> outside("outside");
    const Var<double> x = input(vector({1, 2})).named("x");
    const auto before = tape.mark();
    for (std::size_t size : {1U, 1'000U, 10'000U, 1'000'000U}) {
        const tapeloop::detail::Rollback rollback(tape);
        const LabelScope<double> label("inside");
        static_cast<void>((x * p).named("y"));
        tape.keep([owner] {});
        for (int k = 0; k < 20; ++k) static_cast<void>(exp(input(filled({size}, 0))));
        CHECK(owner.use_count() == 2);
    }
    CHECK(owner.use_count() == 1);
    CHECK(tape.mark() == before);
    CHECK(tape.find(p.storage().get()) == nullptr);
    CHECK(tape.current_label_text() == "outside");
    CHECK(tape.label(exp(x).index()) == "outside");
    check_close(gradient(sum(x * p * p), {p, x})[p], vector({2, 8}));
    CHECK(tape.name(x.index()) == "x");
}

TEST_CASE("attempt: a thousand operations that throw leave nothing") {
    Tape<double> tape;
    const auto held = std::make_shared<int>(1);
    const auto operation = failing(held);
    Parameter<double> p("p", filled({1000}, 1));
    const auto before = tape.mark();
    for (int k = 0; k < 1000; ++k) CHECK_THROWS_AS(operation(p), Refused);
    CHECK(tape.mark() == before);
    *held = 0;
    check_close(gradient(sum(operation(p)), {p})[p], filled({1000}, 1));
}

TEST_CASE("attempt: nor do sweeps, cells and watched operations that throw") {
    Tape<double> tape({.watch = true});
    const auto is_over = std::make_shared<bool>(false);
    const auto once = custom(
        "once", [](const auto& x) { return 1.0 * x; },
        [is_over](const auto& g, const auto&, const auto& x) {
            if (*is_over) {
                static_cast<void>(exp(input(filled({1000}, 1))));
                throw Refused();
            }
            return g * x / x;
        });
    const Var<double> x = input(filled({3}, -1));
    const Var<double> J = sum(once(x));
    const auto before = tape.mark();
    *is_over = true;
    CHECK_THROWS_AS(gradient(J, {x}), Refused);
    CHECK(tape.mark() == before);
    CHECK_THROWS_AS(gradient_graph(J, {x}), Refused);
    CHECK(tape.mark() == before);
    CHECK_THROWS_AS(log(x), NonFinite);
    CHECK_THROWS_AS(log(Parameter<double>("p", filled({3}, -1))), NonFinite);
    CHECK_THROWS_AS(input(filled({3}, std::nan(""))), NonFinite);
    CHECK_THROWS_AS(map([](auto a) { return std::tuple{a, log(a)}; }, x), NonFinite);
    CHECK(tape.mark() == before);

    struct Failing {
        static Var<double> initial_state(std::size_t batch) { return input(filled({batch, 3}, 1)); }
        static std::pair<Var<double>, Var<double>> step(const Var<double>& u, const Var<double>& h) {
            const Var<double> next = u + h;
            if (next.value()(0, 0) > 3) throw Refused();
            return {next, next};
        }
        static ParameterList<double> parameters() { return {}; }
    };
    CHECK_THROWS_AS(nn::unroll(Failing(), filled({5, 2, 3}, 1)), Refused);
    CHECK(tape.mark() == before);
}

TEST_CASE("attempt: a Var of what was taken back means nothing that comes later") {
    Tape<double> tape;
    Var<double> taken_back;
    Var<double> earlier = input(vector({7}));
    for (int round = 0; round < 3; ++round) {
        {
            const tapeloop::detail::Rollback rollback(tape);
            const Var<double> was = input(vector({1}));
            CHECK(!was.is(taken_back));
            taken_back = was;
            CHECK(taken_back.item() == 1);
        }
        const std::string gone = "var: its node was taken back after an error";
        CHECK(text_of<std::logic_error>([&] { static_cast<void>(taken_back.value()); }) == gone);
        const Var<double> next = input(vector({2}));
        CHECK(next.index() == taken_back.index());
        CHECK(text_of<std::logic_error>([&] { static_cast<void>(taken_back.value()); }) == gone);
        CHECK_THROWS_AS(next + taken_back, std::logic_error);
        CHECK_THROWS_AS(gradient(next, {taken_back}), std::logic_error);
        CHECK_THROWS_AS(gradient(taken_back, {next}), std::logic_error);
        CHECK(!next.is(taken_back));
        CHECK(earlier.item() == 7);
        CHECK(tape.var(earlier.index()).is(earlier));
    }
}

TEST_CASE("attempt: a scope that outlives what was taken back, and one that outlives its tape") {
    Tape<double> tape;
    std::optional<LabelScope<double>> inner;
    {
        const tapeloop::detail::Rollback rollback(tape);
        std::optional<LabelScope<double>> outer("outer");
        inner.emplace("inner");
        outer.reset();
    }
    const Var<double> x = input(vector({1}));
    CHECK(tape.label(x.index()).empty());
    inner.reset();
    CHECK(tape.label(exp(x).index()).empty());
    std::optional<Tape<double>> shorter(std::in_place);
    {
        const tapeloop::detail::Rollback rollback(*shorter);
        static_cast<void>(input(vector({1})));
        shorter.reset();
    }
    CHECK(tape.size() == 2);
}
