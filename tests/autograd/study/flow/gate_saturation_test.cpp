#include <autograd/ops/elementwise.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/wrappers/stack.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace tapeloop;

namespace {

template <class C>
std::vector<std::string> gate_names() {
    const auto names = C::gate_names();
    return {names.begin(), names.end()};
}

/// Drives one gate after another into saturation by its bias, and looks whether that one and no other is.
template <class C>
void check_each_gate(const std::string& path) {
    nn::Generator generator(4);
    for (const std::string& driven : gate_names<C>()) {
        C cell(3, 5, generator);
        cell.W.assign(Tensor<float>(cell.W.value() * 0.1F));
        cell.U.assign(Tensor<float>(cell.U.value() * 0.1F));
        nn::gate_block(cell.b, C::gate_names(), driven).assign(20);
        Tape<float> tape({.fuse = false});
        nn::unroll(cell, Tensor<float>(xt::ones<float>({4, 2, 3})));
        std::size_t named = 0;
        for (const GateSaturation& gate : gate_saturation(tape, gate_names<C>())) {
            CAPTURE(gate.gate);
            REQUIRE(gate.shares.size() == 4);
            const auto names = gate_names<C>();
            if (std::find(names.begin(), names.end(), gate.gate) == names.end()) {
                CHECK(gate.gate.find(path) != std::string::npos);
                continue;
            }
            ++named;
            for (double share : gate.shares) CHECK(share == (gate.gate == driven ? 1 : 0));
        }
        CHECK(named == gate_names<C>().size());
    }
}

}  // namespace

TEST_CASE("gate_saturation: finds the gates of an LSTM and of a GRU by their blocks") {
    check_each_gate<nn::LstmCell<float>>("lstm_cell.hpp");
    check_each_gate<nn::GruCell<float>>("gru_cell.hpp");
}

TEST_CASE("gate_saturation: a share of the elements, by time step and module") {
    nn::Generator generator(4);
    nn::Stack<double> model;
    model.add("lower", nn::LstmCell<double>(2, 3, generator));
    model.add("upper", nn::LstmCell<double>(3, 3, generator));
    Tape<double> tape({.fuse = false});
    nn::unroll(model, Tensor<double>(xt::ones<double>({2, 1, 2})));
    const auto gates = gate_saturation(tape, gate_names<nn::LstmCell<double>>());
    const auto has = [&](std::string_view name) {
        return std::any_of(gates.begin(), gates.end(), [&](const auto& gate) { return gate.gate == name; });
    };
    CHECK(has("lower/forget"));
    CHECK(has("upper/candidate"));

    Tape<double> twice({.fuse = false});
    nn::LstmCell<double> cell(2, 3, generator);
    nn::gate_block(cell.b, cell.gate_names(), "forget").assign(20);
    nn::unroll(cell, Tensor<double>(xt::ones<double>({3, 1, 2})));
    nn::gate_block(cell.b, cell.gate_names(), "forget").assign(0);
    nn::unroll(cell, Tensor<double>(xt::ones<double>({4, 1, 2})));
    const auto loops = gate_saturation(twice, gate_names<nn::LstmCell<double>>());
    const auto shares = [&](std::string_view name) {
        for (const GateSaturation& one : loops)
            if (one.gate == name) return one.shares;
        return std::vector<double>();
    };
    CHECK(shares("forget") == std::vector<double>{1, 1, 1});
    CHECK(shares("forget (loop 1)") == std::vector<double>{0, 0, 0, 0});

    Tape<double> plain;
    {
        const LabelScope<double> step(2);
        tanh(input(Tensor<double>{-3, 0, 0.5, 3}));
    }
    tanh(input(Tensor<double>{3}));
    const auto alone = gate_saturation(plain);
    REQUIRE(alone.size() == 1);
    CHECK(alone[0].shares.size() == 3);
    CHECK(std::isnan(alone[0].shares[0]));
    CHECK(alone[0].shares[2] == 0.5);
}
