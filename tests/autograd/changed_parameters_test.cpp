#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/explain/explain.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/local_jacobian.hpp>
#include <autograd/sweep/contributions.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("studies: none of what rules give after a parameter was changed") {
    nn::Generator generator(3);
    nn::LstmCell<double> cell(2, 3, generator);
    Parameter<double> V("V", filled({3}, 0.5));
    Tape<double> tape({.fuse = false});
    const Var<double> before = input(filled({2}, 1));
    const Var<double> after = tanh(before);
    const auto run = nn::unroll(cell, filled({3, 1, 2}, 1), {.hoist = false, .trace = true});
    const Var<double> losses = square(sum(run.outputs * V, -1));
    const Var<double> J = sum(losses);
    const Gradients<double> gradients = gradient(J, every_node(tape));
    const auto names = cell.gate_names();
    const std::vector<std::string> gates(names.begin(), names.end());
    const auto saturation = gate_saturation(tape, gates);
    V.update()[0] += 1;

    const auto refused = [](const auto& study) {
        CHECK(text_of<std::logic_error>(study) ==
              "gradient: parameter 'V' was changed after it was recorded; differentiate before the update");
    };
    const Tensor<double> ones = filled({2}, 1);
    bool is_visited = false;
    refused([&] {
        tapeloop::detail::contributions<double>(tape, after.index(), [&](NodeIndex) { return &ones; });
    });
    refused([&] { local_jacobians(tape, after.index()); });
    refused([&] {
        backward_wave<double>(tape, gradients, [&](NodeIndex, const tapeloop::detail::Contribution<double>&) {
            is_visited = true;
        });
    });
    CHECK_FALSE(is_visited);
    refused([&] { jacobian_lens(nn::states(run.trace)); });
    refused([&] { gradient_ledger(losses, cell.W); });
    refused([&] { gradient_norms(J, cell.parameters()); });
    refused([&] { explain(J, cell.W); });
    refused([&] { explain(J, before); });
    refused([&] { derivation(J, {cell.W}); });

    // What was computed may still be looked at.
    const auto again = gate_saturation(tape, gates);
    REQUIRE(again.size() == saturation.size());
    for (std::size_t i = 0; i < again.size(); ++i) {
        CHECK(again[i].gate == saturation[i].gate);
        CHECK(again[i].shares == saturation[i].shares);
    }
}
