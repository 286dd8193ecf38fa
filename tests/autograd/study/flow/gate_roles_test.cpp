#include <autograd/study/flow/gate_saturation.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <doctest/doctest.h>

#include <map>

using namespace tapeloop;

namespace {

/// The gates by name, of a cell that reads ones after `prepare(cell)`.
template <class C>
std::map<std::string, GateSaturation> gates_after(const auto& prepare) {
    nn::Generator generator(4);
    C cell(3, 5, generator);
    prepare(cell);
    Tape<double> tape({.fuse = false});
    nn::unroll(cell, Tensor<double>(xt::ones<double>({4, 2, 3})));
    const auto names = C::gate_names();
    std::map<std::string, GateSaturation> found;
    for (const GateSaturation& gate : gate_saturation(tape, {names.begin(), names.end()}))
        found[gate.gate] = gate;
    return found;
}

}  // namespace

TEST_CASE("gates: what they scale is told by what they multiply") {
    const auto nothing = [](auto&) {};
    auto lstm = gates_after<nn::LstmCell<double>>(nothing);
    CHECK(lstm.at("forget").role == GateRole::keep);
    CHECK(lstm.at("input").role == GateRole::write);
    CHECK(lstm.at("output").role == GateRole::read);
    CHECK(lstm.at("candidate").role == GateRole::none);
    auto gru = gates_after<nn::GruCell<double>>(nothing);
    CHECK(gru.at("reset").role == GateRole::reset);
    CHECK(gru.at("update").role == GateRole::keep_else_write);
    CHECK(gru.at("candidate").role == GateRole::none);
    CHECK(name_of(GateRole::write_else_keep) == "write else keep");
}

// Both have the same share of saturated units; only one of them lets the state through.
TEST_CASE("gates: open is told from shut") {
    const auto with_bias = [](double bias) {
        return gates_after<nn::LstmCell<double>>([bias](nn::LstmCell<double>& cell) {
            nn::gate_block(cell.b, nn::LstmCell<double>::gate_names(), "forget").assign(bias);
        });
    };
    const GateSaturation open = with_bias(20).at("forget");
    const GateSaturation shut = with_bias(-20).at("forget");
    for (std::size_t t = 0; t < 4; ++t) {
        CHECK(open.shares[t] == 1);
        CHECK(shut.shares[t] == 1);
        CHECK(open.high[t] == 1);
        CHECK(open.low[t] == 0);
        CHECK(shut.high[t] == 0);
        CHECK(shut.low[t] == 1);
        CHECK(open.means[t] > 0.999);
        CHECK(shut.means[t] < 0.001);
    }
    CHECK(open.limits.low == 0);
    CHECK(open.limits.high == 1);
}
