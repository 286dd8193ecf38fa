#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <functional>

// Mistakes that begin late, come every so many steps or calls, or depend on a value: a short run with one
// seed meets them by luck.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

/// h' = tanh(x U + h W).
struct Plain {
    Parameter<double> U{"U", Random(1).tensor({3, 4})};
    Parameter<double> W{"W", Random(2).tensor({4, 4})};

    D initial_state(std::size_t batch) const { return input(filled({batch, 4}, 0)); }
    D next(const D& x, const D& h) const { return tanh(matmul(x, U) + matmul(h, W)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D h_next = next(x, h);
        return {h_next, h_next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// Counts its steps in its state, as it should, and detaches its state where `is_wrong` says so of their
/// number.
struct Counting : Plain {
    using State = std::pair<D, D>;
    std::function<bool(std::size_t)> is_wrong;

    State initial_state(std::size_t batch) const {
        return {Plain::initial_state(batch), input(filled({batch, 1}, 0))};
    }
    std::pair<D, State> step(const D& x, const State& state) const {
        const Tensor<double> counts = state.second.value();
        const std::size_t steps =
            counts.size() == 0 ? 0 : static_cast<std::size_t>(std::lround(counts(0, 0)));
        const D h = next(x, is_wrong(steps) ? detach(state.first) : state.first);
        return {h, {h, state.second + 1}};
    }
};

nn::CellReport checked(const std::function<bool(std::size_t)>& is_wrong) {
    Counting cell;
    cell.is_wrong = is_wrong;
    // A count is not to be moved.
    return nn::check_cell(cell, 3, {.random_initial_state = false, .order = 1});
}

/// Adds something to every `period`th of its calls.
struct Periodic : Plain {
    std::size_t period = 2;
    mutable std::size_t calls = 0;

    std::pair<D, D> step(const D& x, const D& h) const {
        const D h_next = next(x, h) + (++calls % period == 0 ? 1e-3 : 0.0);
        return {h_next, h_next};
    }
};

/// Branches on a value of one row.
struct Branching : Plain {
    std::function<bool(const Tensor<double>& h)> takes_other;
    std::function<D(const D& h)> other;

    std::pair<D, D> step(const D& x, const D& h) const {
        const bool is_other = h.shape()[0] != 0 && takes_other(h.value());
        const D h_next = next(x, is_other ? other(h) : h);
        return {h_next, h_next};
    }
};

}  // namespace

TEST_CASE("check_cell: what begins at the sixth step, or comes every eighth, is seen") {
    const nn::CellReport right = checked([](std::size_t) { return false; });
    CHECK_MESSAGE(right.passed(), right.text());
    CHECK(contains(right["long sequence"].text, "20 time steps"));
    for (const auto& [begins, every] : {std::pair{5U, 1U}, {12U, 1U}, {0U, 8U}, {3U, 10U}}) {
        const nn::CellReport report = checked([begins = begins, every = every](std::size_t step) {
            return step >= begins && (step + 1) % every == 0;
        });
        CHECK_MESSAGE(report.failed() == std::vector<std::string>{"long sequence"}, report.text());
        CHECK(contains(report["long sequence"].text, "this begins later, or comes every so many steps"));
    }
}

TEST_CASE("check_cell: a sequence that is long itself, or must not be, is no mistake") {
    Plain cell;
    const nn::CellReport itself = nn::check_cell(cell, 3, {.time_steps = 20, .batch = 2, .order = 1});
    CHECK(itself["long sequence"].verdict == nn::CellVerdict::not_applicable);
    struct Growing : Plain {
        std::pair<D, D> step(const D& x, const D& h) const {
            const D h_next = next(x, h) + 10 * square(square(h));
            return {h_next, h_next};
        }
    };
    Growing growing;
    const nn::CellReport grown = nn::check_cell(growing, 3, {.time_steps = 3, .order = 1});
    CHECK_MESSAGE(grown["long sequence"].verdict == nn::CellVerdict::not_applicable, grown.text());
    CHECK(contains(grown["long sequence"].text, "not finite"));
}

TEST_CASE("check_cell: what changes with every so many calls is in no state") {
    for (std::size_t period = 2; period <= 20; ++period) {
        CAPTURE(period);
        Periodic cell;
        cell.period = period;
        const nn::CellReport report = nn::check_cell(cell, 3, {.order = 1});
        const auto failed = [&](const char* item) { return report[item].verdict == nn::CellVerdict::failed; };
        CHECK_MESSAGE((failed("no state in the cell") || failed("same bits")), report.text());
    }
}

TEST_CASE("check_gradient: what changes with every so many calls is no wrong gradient") {
    for (std::size_t period = 2; period <= 64; ++period) {
        CAPTURE(period);
        std::size_t calls = 0;
        const auto f = [&](const D& x) { return sum(tanh(x)) * (++calls % period == 0 ? 1.01 : 1.0); };
        const GradientReport report = check_gradient(f, {{"x", Random(1).tensor({4})}});
        if (period <= 16) CHECK_MESSAGE(report.has(Diagnosis::non_deterministic), report.text());
        for (const Finding& finding : report.findings) {
            const bool is_said = finding.diagnosis == Diagnosis::non_deterministic;
            CHECK_MESSAGE((is_said || !is_mistake(finding.diagnosis)), report.text());
        }
    }
}

TEST_CASE("check_cell: a branch on a value of one row is seen, whatever the seed") {
    const auto first = [](const Tensor<double>& h) { return h(0, 0) > 0; };
    const auto last = [](const Tensor<double>& h) { return h(h.shape(0) - 1, 2) > 0.2; };
    const auto scaled = [](const D& h) { return 0.5 * h; };
    const auto cut = [](const D& h) { return detach(h); };
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const auto check_fails = [&](const auto& takes_other, const auto& other) {
            Branching cell;
            cell.takes_other = takes_other;
            cell.other = other;
            const nn::CellReport report = nn::check_cell(cell, 3, {.seed = seed, .order = 1});
            CHECK_MESSAGE(report["padded batch"].verdict == nn::CellVerdict::failed, report.text());
        };
        check_fails(first, scaled);
        check_fails(last, scaled);
        check_fails(first, cut);
    }
}
