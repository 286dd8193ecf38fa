#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>

#include <functional>

// A step that branches on a value of one row decides for all of them. Its gradient is right on both sides.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

/// h' = tanh(x U + f(h) W).
struct CellWith {
    std::function<D(const D& h)> f;
    Parameter<double> U{"U", Random(1).tensor({3, 4})};
    Parameter<double> W{"W", Random(2).tensor({4, 4})};

    D initial_state(std::size_t batch) const { return input(filled({batch, 4}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(matmul(x, U) + matmul(f(h), W));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

nn::BpttReport verified(const std::function<D(const D& h)>& f, std::size_t batch, std::uint64_t seed) {
    CellWith cell{f};
    return nn::verify_bptt(cell, Random(seed).tensor({4, batch, 3}), {.seed = seed});
}

}  // namespace

TEST_CASE("verify_bptt: a branch on a value of one row is seen, whatever the seed") {
    const auto of_first = [](const D& h) { return h.value()(0, 0) > 0 ? h : 0.5 * h; };
    const auto of_last = [](const D& h) {
        const Tensor<double> value = h.value();
        return value(value.shape(0) - 1, 2) > 0.1 ? 0.5 * h : h;
    };
    for (const std::size_t batch : {1UL, 3UL})
        for (std::uint64_t seed = 1; seed <= 5; ++seed)
            for (const auto& f :
                 {std::function<D(const D&)>(of_first), std::function<D(const D&)>(of_last)}) {
                CAPTURE(batch);
                CAPTURE(seed);
                const nn::BpttReport report = verified(f, batch, seed);
                REQUIRE_MESSAGE(!report.passed(), report.text());
                CHECK_MESSAGE(contains(report.findings.at(0), "branches on a value"), report.text());
            }
}

TEST_CASE("verify_bptt: rows that share something, or branch each by itself, are no branch on a value") {
    const auto of_each = [](const D& h) { return where(h > 0, h, 0.5 * h); };
    const auto normalised = [](const D& h) {
        const D centred = h - mean(h, {0}, true);
        return centred / sqrt(mean(square(centred), {0}, true) + 0.1);
    };
    const auto by_batch = [](const D& h) { return h / static_cast<double>(h.shape()[0]); };
    const auto by_row = [](const D& h) {
        return h * generate({h.shape()[0], 1}, [](const Position& at) { return at[0] == 0 ? 1.0 : 0.5; });
    };
    for (const auto& f : {std::function<D(const D&)>(of_each), std::function<D(const D&)>(normalised),
                          std::function<D(const D&)>(by_batch), std::function<D(const D&)>(by_row)})
        for (const std::size_t batch : {1UL, 2UL, 3UL}) {
            CAPTURE(batch);
            const nn::BpttReport report = verified(f, batch, 1);
            CHECK_MESSAGE(report.passed(), report.text());
        }
    // A cell for batches of this size alone.
    const auto of_three = [](const D& h) { return h * Random(4).tensor({3, 4}, 0.5, 1); };
    const nn::BpttReport fixed = verified(of_three, 3, 1);
    CHECK_MESSAGE(fixed.passed(), fixed.text());
}
