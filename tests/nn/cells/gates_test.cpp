#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/sgd.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 5;

/// Returns whether two tensors [.., 4H] differ in each of the four parts.
std::vector<bool> parts_that_differ(const Tensor<double>& a, const Tensor<double>& b) {
    const std::size_t axis = a.dimension() - 1;
    std::vector<bool> differ;
    for (std::size_t k = 0; k < 4; ++k)
        differ.push_back(difference_in_bits(part_of(a, axis, k * H, H), part_of(b, axis, k * H, H)) != "");
    return differ;
}

std::string joined(nn::GateNames names) {
    std::string text;
    for (std::string_view name : names) text += std::string(name) + " ";
    return text;
}

}  // namespace

TEST_CASE("gates: one gate's part is read and set by its name, and the others stay") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    const Tensor<double> before = cell.W.value();
    nn::GateBlock<double> candidate = nn::gate_block(cell.W, cell.gate_names(), "candidate");
    CHECK(candidate.shape() == Shape{H, H});
    check_same_bits(candidate.value(), part_of(before, 1, 2 * H, H));
    check_same_bits(nn::gate_part(before, cell.gate_names(), "output"), part_of(before, 1, 3 * H, H));

    const Tensor<double> fresh = nn::orthogonal<double>(candidate.shape(), generator);
    candidate.assign(fresh);
    check_same_bits(candidate.value(), fresh);
    CHECK(parts_that_differ(cell.W.value(), before) == std::vector{false, false, true, false});

    nn::gate_block(cell.b, cell.gate_names(), "forget").assign(-2);
    for (std::size_t k = 0; k < 4 * H; ++k) CHECK(cell.b.value()[k] == (k / H == 1 ? -2 : 0));
}

TEST_CASE("gates: setting one is a change that a tape notices") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    Tape<double> tape;
    const Var<double> J = sum(nn::unroll(cell, filled({2, 1, I}, 1)).outputs);
    nn::gate_block(cell.b, cell.gate_names(), "forget").assign(0);
    CHECK_THROWS_AS(gradient(J, {cell.b}), std::logic_error);
}

TEST_CASE("gates: a frozen one stays as it is while the others train, but for weight decay") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    Random random("freezing");
    const auto train = [&](const optim::SgdOptions& options) {
        optim::Sgd<double> sgd(cell.parameters(), options);
        for (int step = 0; step < 2; ++step) {
            Tape<double> tape;
            const Var<double> J = sum(nn::unroll(cell, random.tensor({3, 2, I})).outputs);
            Gradients<double> gradients = gradient(J, cell.parameters());
            for (const auto& entry : cell.parameters())
                nn::gate_block(*entry.parameter, cell.gate_names(), "output").freeze(gradients);
            sgd.step(gradients);
        }
    };
    for (const auto& entry : cell.parameters()) {
        CAPTURE(entry.path);
        const Tensor<double> before = entry.parameter->value();
        train({.learning_rate = 0.1, .momentum = 0.9});
        CHECK(parts_that_differ(entry.parameter->value(), before) == std::vector{true, true, true, false});
    }
    Gradients<double> none({cell.U}, {filled(cell.U.shape(), 1)});
    CHECK_THROWS_AS(nn::gate_block(cell.W, cell.gate_names(), "output").freeze(none), std::invalid_argument);
}

TEST_CASE("gates: every gated cell names its own in packing order") {
    nn::Generator generator(1);
    CHECK(joined(nn::LstmCell<float>::gate_names()) == "input forget candidate output ");
    CHECK(joined(nn::GruCell<float>::gate_names()) == "update reset candidate ");
    CHECK(joined(nn::ResetBeforeGruCell<float>::gate_names()) == "update reset candidate ");
    CHECK(joined(nn::ResetBeforeGruCell<float>::recurrent_gate_names()) == "update reset ");
    CHECK(joined(nn::MinimalGruCell<float>::gate_names()) == "update candidate ");
    CHECK(joined(nn::SruCell<float>::gate_names()) == "candidate forget reset ");
    CHECK(joined(nn::SruCell<float>::bias_names()) == "forget reset ");
    CHECK(joined(nn::QrnnCell<float>::gate_names()) == "candidate forget output ");
    const nn::LstmVariantCell<float> full(I, H, generator, {.peephole = true});
    CHECK(joined(full.gate_names()) == "input forget candidate output ");
    CHECK(joined(full.peephole_names()) == "input forget output ");
    const nn::LstmVariantCell<float> coupled(I, H, generator, {.peephole = true, .coupled = true});
    CHECK(joined(coupled.gate_names()) == "input candidate output ");
    CHECK(joined(coupled.peephole_names()) == "input output ");
    CHECK(joined(nn::LstmVariantCell<float>(I, H, generator).peephole_names()) == "");
}

TEST_CASE("gates: errors name the gates that there are") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator);
    const auto refused = [&](Parameter<double>& parameter, std::string_view name) {
        return text_of<std::invalid_argument>([&] { nn::gate_block(parameter, cell.gate_names(), name); });
    };
    CHECK(refused(cell.W, "reset") == "");
    CHECK(refused(cell.W, "forget") ==
          "gate_block: there is no gate `forget`; there are update, reset, candidate");
    CHECK(
        refused(cell.b_recurrent, "reset") ==
        "gate_block: the packed weight is [5]; its last axis must hold 3 gates side by side (update, reset, "
        "candidate)");
    nn::GateBlock<double> reset = nn::gate_block(cell.W, cell.gate_names(), "reset");
    const Tensor<double> before = cell.W.value();
    CHECK(text_of<std::invalid_argument>([&] { reset.assign(filled({H}, 1)); }) ==
          "gate_block: the value is [5] and this gate's part of `W` is [5, 5]");
    check_same_bits(cell.W.value(), before);
    CHECK(text_of<std::invalid_argument>([&] { nn::gate_block(cell.b, {}, "reset"); }) ==
          "gate_block: there is no gate `reset`; the cell has none");
    Parameter<double> scalar("s", filled({}, 1));
    CHECK(refused(scalar, "reset") != "");
}
