#include <tests/nn/sequence/prepared_cells.hpp>

#include <nn/check/bptt/verify_bptt.hpp>
#include <nn/check/cell/check_cell.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("check_cell and verify_bptt: a cell that prepares is checked as any other") {
    Random random("checked");
    const Tensor<double> x = random.tensor({4, 2, width});
    Once once;
    const auto report = nn::check_cell(once, x);
    CHECK_MESSAGE(report.passed(), report.text());
    TwoParts two;
    const auto other = nn::check_cell(two, x);
    CHECK_MESSAGE(other.passed(), other.text());
    CHECK(nn::verify_bptt(once, x).passed());
    CHECK(nn::verify_bptt(two, x).passed());
}
