#include <tests/nn/closed_form/closed_form_check.hpp>

#include <nn/cells/gru_cell.hpp>
#include <nn/closed_form/gru.hpp>
#include <nn/generator.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 4;

void for_each_option(const std::function<void(const nn::GruOptions&)>& f) {
    for (const auto update : {nn::Update::keeps, nn::Update::takes})
        for (const auto gate : {nn::GateActivation::sigmoid, nn::GateActivation::hard_sigmoid})
            f({update, gate});
}

}  // namespace

TEST_CASE("closed form of the GRU: gives what the tape gives, for short and long sequences") {
    for_each_option([](const nn::GruOptions& options) {
        CAPTURE(static_cast<int>(options.update));
        CAPTURE(static_cast<int>(options.gate_activation));
        nn::Generator generator(1);
        nn::GruCell<double> cell(I, H, generator, options);
        check_against_tape(cell, I, H, 1);
        check_cut_sequence(cell, I, H, 1);
    });
}

TEST_CASE("closed form of the GRU: hard gates beyond their ends pass nothing") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator, {nn::Update::keeps, nn::GateActivation::hard_sigmoid});
    randomise(cell, "saturated");
    Tensor<double> b = filled({3 * H}, 0);
    std::fill_n(b.data(), H, 40);       // z = 1: nothing is taken
    std::fill_n(b.data() + H, H, -40);  // r = 0
    cell.b.assign(b);
    const auto run = random_sequence("saturated", {3, 2, I}, H, 1);
    const auto bptt = nn::closed_form::gru_bptt<double>(
        {cell.U.value(), cell.W.value(), cell.b.value(), cell.b_recurrent.value(), cell.options}, run.x,
        run.initial_state[0], run.outputs, run.final_state[0]);
    check_same_bits(bptt.total.U, filled({I, 3 * H}, 0));
    check_same_bits(bptt.h[3], run.initial_state[0]);
}

TEST_CASE("closed form of the GRU: the terms add up to the total, and states are those of the cell") {
    nn::Generator generator(2);
    nn::GruCell<double> cell(I, H, generator);
    randomise(cell, "terms");
    const auto run = random_sequence("terms", {3, 2, I}, H, 1);
    const auto bptt = nn::closed_form::gru_bptt<double>(
        {cell.U.value(), cell.W.value(), cell.b.value(), cell.b_recurrent.value(), cell.options}, run.x,
        run.initial_state[0], run.outputs, run.final_state[0]);
    check_close(bptt.total.W, bptt.terms[0].W + bptt.terms[1].W + bptt.terms[2].W);
    check_close(bptt.total.b_recurrent,
                bptt.terms[0].b_recurrent + bptt.terms[1].b_recurrent + bptt.terms[2].b_recurrent);
    check_same_bits(bptt.from_later[2], run.final_state[0]);

    Tape<double> tape;
    const auto unrolled = nn::unroll(cell, run.x, input(run.initial_state[0]), {.trace = true});
    for (std::size_t t = 0; t < 3; ++t) check_close(bptt.h[t + 1], unrolled.trace[t].value());
}

TEST_CASE("closed form of the GRU: of no time steps and of no rows all is 0") {
    for (const auto& [T, B] : {std::pair{0U, 2U}, std::pair{3U, 0U}}) {
        const auto run = random_sequence("empty", {T, B, I}, H, 1);
        const auto bptt = nn::closed_form::gru_bptt<double>(
            {filled({I, 3 * H}, 1), filled({H, 3 * H}, 1), filled({3 * H}, 1), filled({H}, 1), {}}, run.x,
            run.initial_state[0], run.outputs, run.final_state[0]);
        check_same_bits(bptt.total.W, filled({H, 3 * H}, 0));
        check_same_bits(bptt.total.b_recurrent, filled({H}, 0));
        CHECK(bptt.terms.size() == T);
    }
}

TEST_CASE("closed form of the GRU: what does not fit is refused, by name") {
    const auto refused = [](const auto& spoil) {
        auto run = random_sequence("refused", {3, 2, I}, H, 1);
        nn::closed_form::GruWeights<double> weights{
            filled({I, 3 * H}, 1), filled({H, 3 * H}, 1), filled({3 * H}, 1), filled({H}, 1), {}};
        spoil(weights, run);
        return text_of<std::invalid_argument>([&] {
            nn::closed_form::gru_bptt<double>(weights, run.x, run.initial_state[0], run.outputs,
                                              run.final_state[0]);
        });
    };
    CHECK(refused([](auto& weights, auto&) { weights.b_recurrent = filled({3 * H}, 1); }) ==
          "gru_bptt: b_recurrent is [12]; with the other arguments it must be [4]");
    CHECK(refused([](auto&, auto& run) {
              run.x = filled({3, 2}, 1);
          }) == "gru_bptt: x is [3, 2] and W [4, 12]; they must be [T, B, I] and [H, 3H]");
    CHECK(contains(refused([](auto& weights, auto&) { weights.W = filled({H, H}, 1); }), "W is [4, 4]"));
    CHECK(contains(refused([](auto&, auto& run) { run.final_state[0] = filled({H}, 1); }),
                   "final_state is [4]"));
}
