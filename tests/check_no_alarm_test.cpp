#include "op_table.hpp"

#include <autograd/check/check_gradient.hpp>

#include <autograd/tape.hpp>

#include <doctest/doctest.h>

#include <cstdlib>

// A check that cries wolf is switched off: on every operation of the library, at random points that may lie
// anywhere, kinks included, it finds nothing. TAPELOOP_CHECK_SEEDS says how many seeds are tried.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

std::uint64_t seed_count() {
    const char* given = std::getenv("TAPELOOP_CHECK_SEEDS");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 2;
}

Tensor<double> drawn(Random& random, const Domain& domain, const Shape& shape) {
    Tensor<double> x = random.tensor(shape, domain.low, domain.high);
    if (domain.is_flag)
        for (double& element : x) element = element > (domain.low + domain.high) / 2 ? 1 : 0;
    return x;
}

/// The check of one row on one sample: flags stay constant, the rest is differentiated by.
GradientReport checked(const Row& row, const std::vector<Shape>& shapes, std::uint64_t seed, int order) {
    Random random(seed);
    std::vector<CheckInput<double>> inputs;
    Tensors flags(shapes.size());
    for (std::size_t k = 0; k < shapes.size(); ++k) {
        const Tensor<double> x = drawn(random, row.domains[k], shapes[k]);
        if (row.domains[k].is_flag)
            flags[k] = x;
        else
            inputs.emplace_back("argument " + std::to_string(k), x);
    }
    const auto f = [&](const std::vector<Var<double>>& given) {
        std::vector<Var<double>> x;
        std::size_t next = 0;
        for (std::size_t k = 0; k < shapes.size(); ++k)
            x.push_back(row.domains[k].is_flag ? input(flags[k]) : given[next++]);
        return row.call(x);
    };
    return check_gradient(f, inputs, {.order = order, .seed = seed, .diagnose = false});
}

}  // namespace

TEST_CASE("check_gradient: no false alarm on any operation, first and second order") {
    std::size_t checks = 0;
    std::size_t compared = 0;
    std::size_t undecided = 0;
    for (const Row& row : all_rows()) {
        if (row.name == "detach") continue;  // passes no gradient though it depends on its argument
        for (const std::vector<Shape>& shapes : row.samples)
            for (std::uint64_t seed = 1; seed <= seed_count(); ++seed) {
                const GradientReport report = checked(row, shapes, seed, 2);
                CHECK_MESSAGE(report.passed(), row.text() << ", seed " << seed << "\n" << report.text());
                ++checks;
                for (const CheckedInput& one : report.inputs) {
                    compared += one.compared;
                    undecided += one.undecided;
                }
            }
    }
    CHECK(checks > 500);
    CHECK(undecided * 1000 < compared);  // it passes for what it knows, not for what it does not
}
