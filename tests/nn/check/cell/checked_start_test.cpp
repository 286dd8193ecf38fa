#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

/// h' = tanh(x + h W).
struct Plain {
    Parameter<double> W{"W", filled({2, 2}, 0.3)};

    D initial_state(std::size_t batch) const { return input(filled({batch, 2}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(x + matmul(h, W));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(W); }
};

/// The filter of a hidden Markov model: its state, [B, 3], is a distribution, and nothing else will do.
struct Filter {
    Parameter<double> A{"A", Random(1).tensor({3, 3})};
    Parameter<double> E{"E", Random(2).tensor({2, 3})};
    Tensor<double> looked_for = filled({3, 3}, 0);
    mutable bool is_found = false;

    D initial_state(std::size_t batch) const { return input(filled({batch, 3}, 1.0 / 3)); }
    std::pair<D, D> step(const D& x, const D& p) const {
        const Tensor<double> value = p.value();
        is_found = is_found || value == looked_for;
        for (std::size_t row = 0; row < p.shape()[0]; ++row) {
            double total = 0;
            for (std::size_t k = 0; k < 3; ++k) {
                if (value(row, k) < 0) throw std::invalid_argument("not probabilities");
                total += value(row, k);
            }
            if (std::abs(total - 1) > 0.01) throw std::invalid_argument("not probabilities");
        }
        const D next = softmax(log(matmul(p, softmax(A))) + matmul(x, E));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(A, E); }
};

Tensor<double> distributions() { return tensor({3, 3}, {0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.3, 0.25, 0.45}); }

/// The ways of a cell where a batch has no rows.
template <class F>
struct WithoutRows : Plain {
    F action;
    explicit WithoutRows(F given) : action(given) {}
    std::pair<D, D> step(const D& x, const D& h) const {
        action(h);
        return Plain::step(x, h);
    }
};

/// The items that fail are these, and the report is there.
template <class C>
nn::CellReport check_fails(C&& cell, const std::vector<std::string>& items) {
    const nn::CellReport report = nn::check_cell(cell, 2);
    CHECK_MESSAGE(report.failed() == items, report.text());
    CHECK(report.items.size() == 19);
    return report;
}

/// h' = tanh(x + f(h) W).
template <class F>
struct OfState : Plain {
    F f;
    explicit OfState(F given) : f(given) {}
    std::pair<D, D> step(const D& x, const D& h) const { return Plain::step(x, f(h)); }
};

/// The largest magnitude that W had in a step.
struct Watched : Plain {
    mutable double largest = 0;
    std::pair<D, D> step(const D& x, const D& h) const {
        for (double element : W.value()) largest = std::max(largest, std::abs(element));
        return Plain::step(x, h);
    }
};

}  // namespace

TEST_CASE("check_cell: an element that is read where there are no rows is a finding, not the end") {
    const auto report = check_fails(WithoutRows([](const D& h) {
                                        if (h.value()(0, 0) > 100) throw std::runtime_error("too large");
                                    }),
                                    {"B = 0"});
    CHECK_MESSAGE(contains(report["B = 0"].text, "it would end the program ("), report.text());
    CHECK(contains(report["B = 0"].text, "where there are no rows?"));
}

TEST_CASE("check_cell: so is whatever else ends a program there, or is thrown") {
    const auto text = [](auto action) {
        return check_fails(WithoutRows([action](const D& h) {
                               if (h.shape()[0] == 0) action();
                           }),
                           {"B = 0"})["B = 0"]
            .text;
    };
    CHECK(contains(text([] { std::abort(); }), "signal 6"));
    CHECK(contains(text([] { std::_Exit(3); }), "exit status 3"));
    CHECK(contains(text([] { throw std::out_of_range("no such row"); }), "it throws: no such row"));
    CHECK(text([] { throw 7; }) == "it throws what is no std::exception");
}

TEST_CASE("check_cell: an element of a sequence without time steps that is read is a finding") {
    struct ReadsAhead : Plain {
        D project(const D& x) const {
            if (x.value()(0, 0, 0) > 100) throw std::runtime_error("too large");
            return x * 1.0;
        }
    };
    struct OfSequences : ReadsAhead {
        D project(const D& x) const { return x.shape().rank() == 3 ? ReadsAhead::project(x) : x * 1.0; }
    };
    check_fails(OfSequences(), {"B = 0"});  // without a time step nothing is projected
}

TEST_CASE("check_cell: a step that fails at the cell's own start is found, though it is right elsewhere") {
    const auto length = [](const D& h) { return sqrt(sum(square(h), {1}, true)); };
    const auto grown = check_fails(OfState([&](const D& h) { return h + length(h); }), {"own start"});
    CHECK_MESSAGE(contains(grown["own start"].text, "not finite"), grown.text());
    const auto unit = check_fails(OfState([&](const D& h) { return h / length(h); }), {"own start"});
    CHECK_MESSAGE(contains(unit["own start"].text, "from a random state everything agrees"), unit.text());
    // What it computes is right, but no gradient reaches the state.
    const auto left_out = [](const D& h) {
        const Tensor<double> value = h.value();
        const bool is_zero = std::all_of(value.begin(), value.end(), [](double one) { return one == 0; });
        return is_zero ? input(value) : h;
    };
    const auto skipped = check_fails(OfState(left_out), {"own start"});
    CHECK_MESSAGE(contains(skipped["own start"].text, "state: no gradient"), skipped.text());
    // The library's norm has a gradient of zeros, and a kink is none that is wrong.
    for (const auto& right : {std::function<D(const D&)>([](const D& h) { return h + norm(h, {1}, true); }),
                              std::function<D(const D&)>([](const D& h) { return relu(h); }),
                              std::function<D(const D&)>([](const D& h) { return abs(h); })})
        check_fails(OfState(right), {});
}

TEST_CASE("verify_bptt: a step that fails at the cell's own start is found, though it is right elsewhere") {
    OfState grown([](const D& h) { return h + sqrt(sum(square(h), {1}, true)); });
    const nn::BpttReport found = nn::verify_bptt(grown, Random(3).tensor({3, 2, 2}));
    REQUIRE_MESSAGE(found.findings.size() == 1, found.text());
    CHECK_MESSAGE(contains(found.findings[0], "from the cell's own initial state"), found.text());
    OfState right([](const D& h) { return h + norm(h, {1}, true); });
    const nn::BpttReport passed = nn::verify_bptt(right, Random(3).tensor({3, 2, 2}));
    CHECK_MESSAGE(passed.passed(), passed.text());
}

TEST_CASE("verify_bptt: a rule that clips larger cotangents than those of the check is found") {
    OfState clipping([](const D& h) {
        const auto clipped = custom(
            "clipped", [](const auto& x) { return 1 * x; },
            [](const auto& g, const auto&, const auto&) { return maximum(minimum(g, 40.0), -40.0); });
        return clipped(h);
    });
    const nn::BpttReport found = nn::verify_bptt(clipping, Random(3).tensor({3, 2, 2}));
    REQUIRE_MESSAGE(found.findings.size() == 1, found.text());
    CHECK_MESSAGE(contains(found.findings[0], "not linear in its cotangent"), found.text());
    CHECK_MESSAGE(contains(found.text(), "the rule of clipped for its argument 0"), found.text());
}

TEST_CASE("check_cell: states that are probabilities are not moved, or start where they are said to") {
    Filter cell;
    CHECK(contains(nn::check_cell(cell, 2)["shapes"].text, "not probabilities"));

    const nn::CellReport own = nn::check_cell(cell, 2, {.random_initial_state = false});
    CHECK_MESSAGE(own.passed(), own.text());

    cell.looked_for = distributions();
    const nn::CellReport given =
        nn::check_cell(cell, 2, {.random_initial_state = false, .initial_state = {distributions()}});
    CHECK_MESSAGE(given.passed(), given.text());
    CHECK(cell.is_found);

    const nn::CellReport moved =
        nn::check_cell(cell, 2, {.state_moved_by = 0.002, .initial_state = {distributions()}});
    CHECK_MESSAGE(moved.passed(), moved.text());
}

TEST_CASE("verify_bptt: states that are probabilities are not moved, or start where they are said to") {
    Filter cell;
    const Tensor<double> x = Random(3).tensor({4, 3, 2});
    CHECK_THROWS_WITH_AS(nn::verify_bptt(cell, x), "not probabilities", std::invalid_argument);
    cell.looked_for = distributions();
    const nn::BpttReport given =
        nn::verify_bptt(cell, x, {.random_initial_state = false, .initial_state = {distributions()}});
    CHECK_MESSAGE(given.passed(), given.text());
    CHECK(cell.is_found);
    CHECK(text_of<std::invalid_argument>([&] {
              nn::verify_bptt(cell, x, {.initial_state = {filled({2, 3}, 0)}});
          }) == "verify_bptt: the given initial state is [2, 3]; that of the cell is [3, 3]");
}

TEST_CASE("check_cell: a start that does not fit is refused") {
    Plain cell;
    const auto refused = [&](const nn::CellCheckOptions& options) {
        return text_of<std::invalid_argument>([&] { nn::check_cell(cell, 2, options); });
    };
    CHECK(refused({.initial_state = {filled({2, 2}, 0)}}) ==
          "check_cell: the given initial state is [2, 2]; that of the cell is [3, 2]");
    CHECK(refused({.initial_state = {filled({3, 2}, 0), filled({3, 2}, 0)}}) ==
          "check_cell: the given initial_state has 2 parts; that of the cell has 1");
    CHECK(refused({.state_moved_by = -1}) == "check_cell: state_moved_by is -1; it must be 0 or more");
}

TEST_CASE("check_cell: a parameter that two parts of a cell share is checked once") {
    Watched cell;
    cell.W.assign(filled({2, 2}, 0));
    nn::Stack<double> tied(std::ref(cell), std::ref(cell));
    const nn::CellReport report = nn::check_cell(tied, 2);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(contains(report["parameters"].text, "2 listed, and each is read; 1 of them again"));
    std::vector<std::string> names;
    for (const CheckedInput& one : report.gradient.inputs)
        if (one.order == 1) names.push_back(one.name);
    CHECK(names == std::vector<std::string>{"x", "state[0]", "state[1]", "layer0/W"});
    CHECK(cell.largest > 0.1);
    CHECK(cell.largest < 0.3);  // it was moved once, and a little while sweeps are repeated
    check_same_bits(cell.W.value(), filled({2, 2}, 0));

    const nn::BpttReport bptt = nn::verify_bptt(tied, Random(4).tensor({3, 2, 2}));
    CHECK_MESSAGE(bptt.passed(), bptt.text());
    CHECK(bptt.differences.inputs.size() == 4);
}

TEST_CASE("check_gradient: a parameter that is listed twice is checked once, by its first name") {
    Parameter<double> p("p", filled({2}, 0.5));
    ParameterList<double> list;
    list.add("first", parameter_list(p));
    list.add("second", parameter_list(p));
    for (const GradientReport& report : {check_gradient([&] { return sum(square(p)); }, list),
                                         check_gradient([&] { return sum(square(p)); }, {p, p})}) {
        CHECK_MESSAGE(report.passed(), report.text());
        CHECK(report.inputs.size() == 1);
    }
    CHECK(check_gradient([&] { return sum(square(p)); }, list).inputs.at(0).name == "first/p");
}
