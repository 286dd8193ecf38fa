#include <tests/expect.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/sweep/reach.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

class PullCounter : public TapeObserver<double> {
  public:
    void pulled(tapeloop::detail::Sweep<double>&, NodeIndex) override { ++count; }
    std::size_t count = 0;
};

/// How many rules a ledger of so many steps runs.
std::size_t pulls_of_ledger(std::size_t steps) {
    nn::Generator generator(2);
    const nn::ElmanCell<double> cell(2, 3, generator);
    PullCounter counter;
    const Tape<double> tape;
    const Var<double> h = nn::unroll(cell, Random(1).tensor({steps, 1, 2})).outputs;
    const Var<double> losses = sum(square(h), {1, 2});
    gradient_ledger(losses, cell.W);
    return counter.count;
}

}  // namespace

// What comes after a loss gets zeros, and zeros are not handed on: half of all pairs, and no work for the
// others.
TEST_CASE("gradient ledger: the steps behind a loss take no rules") {
    const std::size_t few = pulls_of_ledger(20);
    const std::size_t many = pulls_of_ledger(40);
    // a T² + b T: with sweeps through all steps the ratio to T² would be twice as large.
    CHECK(few < 20 * 20 * 2);
    CHECK(many < 40 * 40 * 2);
    CHECK(many > few);
}

// The rules of one node take no longer when its input lies far in front of it, as a weight does of late
// steps.
TEST_CASE("reach: of a node alone it is as large as its inputs are many") {
    const tapeloop::detail::Reach<double> reach(1000, 1002, {7, 3});
    CHECK(reach.size() == 5);
    for (NodeIndex node : {3U, 7U, 1000U, 1001U, 1002U}) {
        CHECK(reach.contains(node));
        CHECK(reach.place(node) < 5);
    }
    for (NodeIndex node : {0U, 5U, 999U, 1003U}) CHECK_FALSE(reach.contains(node));
    CHECK(reach.place(3) != reach.place(7));
}
