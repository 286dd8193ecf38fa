#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>
#include <autograd/check/fault.hpp>

#include <algorithm>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Kind = Fault::Kind;

struct Model {
    Parameter<double> W{"W", Random(1).tensor({3, 3})};
    Parameter<double> b{"b", Random(2).tensor({3})};
    Tensor<double> x = Random(3).tensor({3, 2, 3});

    Var<double> loss() const { return loss(input(x)); }
    Var<double> loss(const Var<double>& sequence) const {
        Var<double> h = input(filled({2, 3}, 0.1));
        std::size_t t = 0;
        for (const Var<double>& step : unstack(sequence)) {
            const LabelScope<double> label(t++);
            h = map([](auto a, auto v) { return tanh(a) * v; }, affine(h, W, b), step) + step * h;
        }
        return sum(square(h));
    }
    Gradients<double> gradients() const {
        Tape<double> tape;
        return gradient(loss(), {W, b});
    }
    Gradients<double> gradients_recorded() const {
        Tape<double> tape;
        const auto graph = gradient_graph(loss(), {W, b});
        std::vector<Tensor<double>> values;
        for (const Var<double>& one : graph) values.push_back(one.value());
        return {{W, b}, values};
    }
};

}  // namespace

TEST_CASE("fault: each kind changes gradients as it says, and values not at all") {
    const Tensor<double> a = Random(5).tensor({3, 3});
    const Tensor<double> c = Random(6).tensor({3, 3});
    const auto gradients = [&](const Fault& fault, bool recorded) {
        const InjectedFault<double> injected(fault);
        Tape<double> tape;
        const Var<double> x = input(a);
        const Var<double> y = input(c);
        const Var<double> J = sum(x * y);
        CHECK(injected.nodes() == 1);
        std::vector<Tensor<double>> values{J.value()};
        if (recorded)
            for (const Var<double>& one : gradient_graph(J, {x, y})) values.push_back(one.value());
        else
            for (const Tensor<double>& one : gradient(J, {x, y})) values.push_back(one);
        return values;
    };
    const Tensor<double> transposed_c = generate({3, 3}, [&](const Position& p) {
        return at(c, {p[1], p[0]});
    });
    const Tensor<double> zero = filled({3, 3}, 0);
    for (const bool recorded : {false, true}) {
        const auto check = [&](const Fault& fault, const Tensor<double>& by_x, const Tensor<double>& by_y) {
            const auto found = gradients(fault, recorded);
            CHECK(found[0].data()[0] == doctest::Approx(inner({a}, {c})));
            check_close(found[1], by_x);
            check_close(found[2], by_y);
        };
        check({Kind::flip_sign, "multiply", 0}, -1 * c, a);
        check({Kind::flip_sign, "multiply"}, -1 * c, -1 * a);
        check({Kind::drop, "multiply", 1}, c, zero);
        check({Kind::scale, "multiply", 1, "", 3}, c, 3 * a);
        check({Kind::swap_arguments, "multiply"}, a, c);
        check({Kind::transpose, "multiply", 0}, transposed_c, a);
        check({Kind::freeze, "multiply"}, zero, zero);
    }
}

TEST_CASE("fault: one that changes nothing changes nothing, through every kind of operation") {
    const Model model;
    const Gradients<double> right = model.gradients();
    const InjectedFault<double> injected({Kind::scale, "", std::nullopt, "", 1});
    const Gradients<double> wrapped = model.gradients();
    const Gradients<double> recorded = model.gradients_recorded();
    CHECK(injected.nodes() > 20);
    for (std::size_t k = 0; k < 2; ++k) {
        check_close(wrapped.at(k), right.at(k));
        check_close(recorded.at(k), right.at(k));
    }
}

TEST_CASE("fault: a label picks the time step, and the scope ends it") {
    const Model model;
    const Tensor<double> right = model.gradients().at(0);
    {
        const InjectedFault<double> injected({Kind::freeze, "affine", std::nullopt, "t=1"});
        CHECK(!difference(model.gradients().at(0), right, 1e-6).empty());
        CHECK(injected.nodes() == 1);
    }
    {
        const InjectedFault<double> injected({Kind::freeze, "affine", std::nullopt, "t=10"});
        check_same_bits(model.gradients().at(0), right);
        CHECK(injected.nodes() == 0);
    }
    check_same_bits(model.gradients().at(0), right);
}

TEST_CASE("fault: one of several terms is dropped, wherever the tape was taken back before") {
    const Tensor<double> a = Random(8).tensor({2, 2});
    const auto gradient_with = [&](std::optional<std::size_t> occurrence) {
        const InjectedFault<double> injected(
            {.kind = Kind::drop, .operation = "multiply", .argument = 0, .occurrence = occurrence});
        Tensor<double> result;
        for (int run = 0; run < 2; ++run) {  // the second tape may lie where the first did
            Tape<double> tape;
            const Var<double> x = input(a);
            const auto before = tape.mark();
            static_cast<void>(x * 7.0);
            tape.roll_back(before);
            const Var<double> twice = x * 2.0;
            const Var<double> thrice = x * 3.0;
            const Var<double> J = sum(twice + thrice + x * 4.0);
            result = gradient(J, {x})[x];
        }
        return result;
    };
    check_close(gradient_with(std::nullopt), filled({2, 2}, 0));
    check_close(gradient_with(0), filled({2, 2}, 7));
    check_close(gradient_with(1), filled({2, 2}, 6));
    check_close(gradient_with(2), filled({2, 2}, 5));
    check_close(gradient_with(3), filled({2, 2}, 9));
    CHECK(Fault{.operation = "multiply", .occurrence = 1}.text() == "flip sign of multiply, occurrence 1");
}

TEST_CASE("fault: check_gradient notices every fault of a model, and names the operation") {
    Model model;
    const auto check = [&] {
        return check_gradient([&](const Var<double>& x) { return model.loss(x); },
                              {model.W, model.b, {"x", model.x, {{"time", "batch", "feature"}, {}}}});
    };
    const std::vector<Fault> faults = faults_of([&] { check(); });
    CHECK(faults.size() > 10);
    for (const Fault& fault : faults) {
        CAPTURE(fault.text());
        const InjectedFault<double> injected(fault);
        const GradientReport report = check();
        CHECK_MESSAGE(!report.passed(), report.text());
        std::size_t accusations = 0;
        for (const Finding& finding : report.findings) {
            if (!finding.rule.has_value()) continue;
            ++accusations;
            CHECK_MESSAGE(finding.rule->operation == fault.operation, report.text());
        }
        CHECK_MESSAGE(accusations > 0, report.text());
    }
}

TEST_CASE("fault: one that can change nothing meets no node") {
    const auto check = [] {
        Tape<double> tape;
        const Var<double> x = input(Random(1).tensor({2, 3}));
        const Var<double> W = input(Random(2).tensor({3, 4}));
        static_cast<void>(gradient(sum(matmul(x, W)), {x, W}));
        return true;
    };
    const std::vector<Fault> impossible{{Kind::swap_arguments, "matmul"},
                                        {Kind::transpose, "matmul", 0},
                                        {Kind::transpose, "matmul"},
                                        {Kind::flip_sign, "matmul", 5}};
    CHECK(try_faults(impossible, {{"check", check}}).unused().size() == impossible.size());
    CHECK(try_faults({{Kind::drop, "matmul", 1}}, {{"check", check}}).unused().empty());
}

TEST_CASE("fault: a report says which checks notice what") {
    Model model;
    const auto full = [&] {
        return check_gradient([&] { return model.loss(); }, {model.W, model.b}).passed();
    };
    const auto only_b = [&] { return check_gradient([&] { return model.loss(); }, {model.b}).passed(); };
    const auto only_value = [&] {
        Tape<double> tape;
        return model.loss().item() > 0;
    };
    const std::vector<Fault> faults{{Kind::flip_sign, "affine", 1},
                                    {Kind::drop, "affine", 2},
                                    {Kind::flip_sign, "exp"},
                                    {Kind::freeze, "unstack"}};
    const FaultReport report =
        try_faults(faults, {{"full", full}, {"only b", only_b}, {"value", only_value}});
    REQUIRE(report.trials.size() == 4);
    CHECK(report.trials[0].noticed_by == std::vector<std::string>{"full"});
    CHECK(report.trials[0].missed_by == std::vector<std::string>{"only b", "value"});
    CHECK(report.trials[1].noticed_by == std::vector<std::string>{"full", "only b"});
    REQUIRE(report.unused().size() == 1);
    CHECK(report.unused()[0].operation == "exp");
    REQUIRE(report.unnoticed().size() == 1);
    CHECK(report.unnoticed()[0].operation == "unstack");
    for (const char* part : {"flip sign of affine, argument 1", "noticed by full; not by only b, value",
                             "NOT NOTICED", "met no node"})
        CHECK_MESSAGE(contains(report.text(), part), report.text());
    const auto failing = [] { return false; };
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       try_faults(faults, {{"failing", failing}});
                   }),
                   "'failing'"));
}
