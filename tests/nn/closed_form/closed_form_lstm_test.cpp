#include <tests/nn/closed_form/closed_form_check.hpp>

#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/closed_form/lstm.hpp>
#include <nn/generator.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 4;

}  // namespace

TEST_CASE("closed form of the LSTM: gives what the tape gives, for short and long sequences") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    check_against_tape(cell, I, H, 2);
}

TEST_CASE("closed form of the Elman cell: gives what the tape gives, for short and long sequences") {
    nn::Generator generator(1);
    for (const auto activation : {nn::Activation::tanh, nn::Activation::relu, nn::Activation::sigmoid}) {
        nn::ElmanCell<double> cell(I, H, generator, {activation});
        check_against_tape(cell, I, H, 1);
        check_cut_sequence(cell, I, H, 1);
    }
}

TEST_CASE("closed form of the LSTM: a sequence in two parts gives what it gives in one") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    check_cut_sequence(cell, I, H, 2);
}

TEST_CASE("closed form of the LSTM: the terms add up to the total, and states are those of the cell") {
    nn::Generator generator(2);
    nn::LstmCell<double> cell(I, H, generator);
    const auto run = random_sequence("terms", {3, 2, I}, H, 2);
    const auto bptt = nn::closed_form::lstm_bptt<double>(
        {cell.U.value(), cell.W.value(), cell.b.value()}, run.x, {run.initial_state[0], run.initial_state[1]},
        run.outputs, {run.final_state[0], run.final_state[1]});
    REQUIRE(bptt.terms.size() == 3);
    check_close(bptt.total.U, bptt.terms[0].U + bptt.terms[1].U + bptt.terms[2].U);
    check_close(bptt.total.W, bptt.terms[0].W + bptt.terms[1].W + bptt.terms[2].W);
    check_close(bptt.total.b, bptt.terms[0].b + bptt.terms[1].b + bptt.terms[2].b);
    check_same_bits(bptt.from_later[2].c, run.final_state[1]);

    Tape<double> tape;
    const std::array<Var<double>, 2> initial{input(run.initial_state[0]), input(run.initial_state[1])};
    const auto unrolled = nn::unroll(cell, run.x, initial, {.trace = true});
    for (std::size_t t = 0; t < 3; ++t) {
        check_close(bptt.state_values[t + 1].h, unrolled.trace[t][0].value());
        check_close(bptt.state_values[t + 1].c, unrolled.trace[t][1].value());
    }
}

TEST_CASE("closed form of the LSTM: of no time steps and of no rows all is 0") {
    for (const auto& [T, B] : {std::pair{0U, 2U}, std::pair{3U, 0U}}) {
        const auto run = random_sequence("empty", {T, B, I}, H, 2);
        const auto bptt = nn::closed_form::lstm_bptt<double>(
            {filled({I, 4 * H}, 1), filled({H, 4 * H}, 1), filled({4 * H}, 1)}, run.x,
            {run.initial_state[0], run.initial_state[1]}, run.outputs,
            {run.final_state[0], run.final_state[1]});
        check_same_bits(bptt.total.U, filled({I, 4 * H}, 0));
        check_same_bits(bptt.total.b, filled({4 * H}, 0));
        CHECK(bptt.terms.size() == T);
    }
}

TEST_CASE("closed form of the LSTM: what does not fit is refused, by name") {
    const auto refused = [](const auto& spoil) {
        auto run = random_sequence("refused", {3, 2, I}, H, 2);
        nn::closed_form::LstmWeights<double> weights{filled({I, 4 * H}, 1), filled({H, 4 * H}, 1),
                                                     filled({4 * H}, 1)};
        spoil(weights, run);
        return text_of<std::invalid_argument>([&] {
            nn::closed_form::lstm_bptt<double>(weights, run.x, {run.initial_state[0], run.initial_state[1]},
                                               run.outputs, {run.final_state[0], run.final_state[1]});
        });
    };
    CHECK(refused([](auto& weights, auto&) {
              weights.W = filled({H, H}, 1);
          }) == "lstm_bptt: W is [4, 4]; with the other arguments it must be [4, 16]");
    CHECK(refused([](auto&, auto& run) {
              run.x = filled({3, 2}, 1);
          }) == "lstm_bptt: x is [3, 2] and W [4, 16]; they must be [T, B, I] and [H, 4H]");
    CHECK(contains(refused([](auto& weights, auto&) { weights.U = filled({H, 4 * H}, 1); }), "U is [4, 16]"));
    CHECK(contains(refused([](auto& weights, auto&) { weights.b = filled({H}, 1); }), "b is [4]"));
    CHECK(contains(refused([](auto&, auto& run) {
                       run.outputs = filled({3, 2, 1}, 1);
                   }),
                   "outputs is [3, 2, 1]"));
    CHECK(contains(refused([](auto&, auto& run) { run.initial_state[1] = filled({H}, 1); }),
                   "initial_state.c is [4]"));
    CHECK(contains(refused([](auto&, auto& run) { run.final_state[0] = filled({H}, 1); }),
                   "final_state.h is [4]"));
    nn::Generator generator(1);
    const nn::LstmCell<double> cell(I, H, generator);
    CHECK(text_of<std::invalid_argument>([&] {
              nn::closed_form_bptt(cell, random_sequence("parts", {3, 2, I}, H, 1));
          }) == "closed_form_bptt: initial_state has 1 parts and final_state 1; this cell's state has 2");
}
