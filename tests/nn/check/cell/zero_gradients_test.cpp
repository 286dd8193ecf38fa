#include <tests/autograd/check/seeds.hpp>
#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>

#include <functional>

// Gradients that are 0 in theory: two ways to them agree in nothing but the size of their rounding.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

/// h' = tanh of something that a number, b, is in front of, and changes nothing.
struct Shifted {
    Parameter<double> U{"U", Random(1).tensor({3, 5})};
    Parameter<double> W{"W", Random(2).tensor({5, 5})};
    Parameter<double> b{"b", filled({1}, 0.3)};
    std::function<D(const D& z, const D& b)> of;

    D initial_state(std::size_t batch) const { return input(filled({batch, 5}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(of(matmul(x, U) + matmul(h, W), 1 * b));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W, b); }
};

D centred(const D& z) { return z - mean(z, -1, true); }

const std::vector<std::pair<std::string, std::function<D(const D&, const D&)>>> invariant{
    {"in front of a softmax", [](const D& z, const D& b) { return 3 * softmax(z + b); }},
    {"in front of a softmax of large scores", [](const D& z, const D& b) { return softmax(40 * (z + b)); }},
    {"in front of a centring", [](const D& z, const D& b) { return centred(z + b); }},
    {"enlarged, in front of a centring", [](const D& z, const D& b) { return centred(z + 1e5 * b); }},
    {"as a factor in front of a norm",
     [](const D& z, const D& b) { return exp(b) * z / sqrt(sum(square(exp(b) * z), -1, true)); }},
    {"in front of a difference", [](const D& z, const D& b) { return z + (sin(b) - sin(b)); }},
    {"in front of a norm of two",
     [](const D& z, const D& b) {
         const D two = slice(z, 1, 0, 2) + b;
         const D distance = centred(two);
         return sum(distance / sqrt(sum(square(distance), -1, true)), -1, true) + z;
     }},
    {"in front of a layer norm", [](const D& z, const D& b) {
         const D distance = centred(z + b);
         return distance / sqrt(mean(square(distance), -1, true) + 1e-5);
     }}};

}  // namespace

TEST_CASE("check_cell: a gradient that is 0 in theory is compared with the size of what was summed") {
    for (const auto& [place, of] : invariant)
        for (const std::uint64_t seed : seeds_to_try(5)) {
            CAPTURE(place);
            CAPTURE(seed);
            Shifted cell;
            cell.of = of;
            const nn::CellReport report =
                nn::check_cell(cell, 3, {.seed = seed, .time_steps = 6, .order = 1});
            for (const char* item : {"step by step", "padded batch", "permuted batch", "save and restore",
                                     "map and plain operations"})
                CHECK_MESSAGE(report[item].verdict == nn::CellVerdict::passed, report.text());
            CHECK_MESSAGE(report.passed(), report.text());
        }
}

TEST_CASE("check_cell: beside such a gradient a wrong one is seen in every comparison") {
    // A rule that is wrong in one way to compute it: for all time steps at once.
    struct Wrong : Shifted {
        D project(const D& x) const {
            const D u = matmul(x, U);
            return x.shape().rank() == 3 ? u + 1e-3 * (b - detach(b)) : u;
        }
        std::pair<D, D> step(const D& u, const D& h) const {
            const D next = tanh(centred(u + matmul(h, W) + b) + 0.01 * u);
            return {next, next};
        }
    };
    Wrong cell;
    const nn::CellReport report = nn::check_cell(cell, 3, {.order = 1});
    CHECK_MESSAGE(report["step by step"].verdict == nn::CellVerdict::failed, report.text());
    CHECK(contains(report["step by step"].text, "gradient by b"));
}
