#include <tests/nn/sequence/rows_alone.hpp>

#include <autograd/ops/shape.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/cells/linear/selective_ssm_cell.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>
#include <nn/wrappers/zoneout.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

// Masks of any pattern. What a masked step does is Keras': the state stays, the output is repeated.

namespace {

constexpr std::size_t T = 5;
constexpr std::size_t B = 4;
constexpr std::size_t I = 3;
constexpr std::size_t H = 3;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// [T, B]; the third row has no time step, the last all.
const xt::xarray<bool> mask{{true, false, false, true},
                            {false, true, false, true},
                            {true, false, false, true},
                            {true, false, false, true},
                            {false, true, false, true}};
const std::vector<std::vector<std::size_t>> counted{{0, 2, 3}, {1, 4}, {}, {0, 1, 2, 3, 4}};

template <class L>
void check_layer(L layer) {
    Random random("masked");
    Tensors initial;
    {
        Tape<double> tape;
        for (const Shape& part : nn::shapes_of(layer.initial_state(B)))
            initial.push_back(random.tensor(part));
    }
    const Tensor<double> x = random.tensor({T, B, I});
    for (const bool reverse : {false, true}) {
        CAPTURE(reverse);
        nn::UnrollOptions options;
        options.reverse = reverse;
        options.mask = mask;
        check_rows_alone(layer, x, initial, counted, options, nan);
    }
}

Tensor<double> output_at(const Tensor<double>& outputs, std::size_t t, std::size_t row) {
    return slices(slices(outputs, 1, {row}), 0, {t});
}

nn::LstmCell<double> lstm(nn::Generator& generator, std::size_t inputs = I) { return {inputs, H, generator}; }

}  // namespace

TEST_CASE("mask: the steps that count give what they give alone, values and gradients, for every layer") {
    nn::Generator generator(7);
    check_layer(lstm(generator));
    check_layer(nn::GruCell<double>(I, H, generator));
    check_layer(nn::SruCell<double>(I, H, generator));
    check_layer(nn::QrnnCell<double>(I, H, generator));
    check_layer(nn::SelectiveSsmCell<double>(I, 2, generator));
    check_layer(nn::LruCell<double>(I, 2, generator));
    check_layer(nn::Bidirectional(lstm(generator), nn::ElmanCell<double>(I, H, generator)));
    check_layer(nn::Bidirectional(nn::SruCell<double>(I, H, generator),
                                  nn::Residual(nn::SelectiveSsmCell<double>(I, 2, generator))));
    check_layer(nn::Reversed(lstm(generator)));
    check_layer(nn::Residual(lstm(generator)));
    check_layer(nn::RecurrentDropout(lstm(generator), 0.5));
    check_layer(nn::Zoneout(lstm(generator)));
    check_layer(nn::Stack<double>(nn::Linear<double>(I, H, generator), lstm(generator),
                                  nn::Dropout{0.5, true}, nn::Residual(lstm(generator)),
                                  nn::Linear<double>(H, H, generator)));
}

TEST_CASE("mask: a masked step repeats the output before it, zeros if there is none, and keeps the state") {
    nn::Generator generator(7);
    const auto cell = lstm(generator);
    Random random("repeats");
    const Tensor<double> x = random.tensor({T, B, I});
    const Tensor<double> zeros = filled({1, 1, H}, 0);
    Tape<double> tape;
    for (const bool reverse : {false, true}) {
        CAPTURE(reverse);
        const auto result = nn::unroll(cell, x, {.trace = true, .reverse = reverse, .mask = mask});
        const Tensor<double> y = result.outputs.value();
        for (std::size_t row = 0; row < B; ++row) {
            Tensor<double> shown = zeros;
            Tensor<double> state = filled({1, H}, 0);
            for (std::size_t k = 0; k < T; ++k) {
                const std::size_t t = reverse ? T - 1 - k : k;
                const Tensor<double> after = slices(result.trace[t][0].value(), 0, {row});
                if (!mask(t, row)) {
                    check_same_bits(output_at(y, t, row), shown);
                    check_same_bits(after, state);
                }
                shown = output_at(y, t, row);
                state = after;
            }
            check_same_bits(slices(result.state[0].value(), 0, {row}), state);
        }
    }
}

TEST_CASE("mask: a repeated output hands its cotangents to the step that made it") {
    nn::Generator generator(7);
    const nn::ElmanCell<double> cell(I, H, generator);
    Random random("cotangents");
    const Tensor<double> x = random.tensor({3, 1, I});
    xt::xarray<int> middle = xt::ones<int>({3, 1});
    middle(1, 0) = 0;
    const Tensor<double> weights = random.tensor({3, 1, H});
    Tape<double> tape;
    const Var<double> y = nn::unroll(cell, x, {.mask = middle}).outputs;
    const auto masked = gradient(std::vector<GradientRoot<double>>{{y, weights}}, {cell.U, cell.W});
    const Var<double> short_y = nn::unroll(cell, slices(x, 0, {0, 2})).outputs;
    const Tensor<double> twice =
        each(slices(weights, 0, {0}), slices(weights, 0, {1}), [](double a, double b) { return a + b; });
    const auto alone = gradient(
        sum(slice(short_y, 0, 0, 1) * twice) + sum(slice(short_y, 0, 1, 2) * slices(weights, 0, {2})),
        {cell.U, cell.W});
    check_close(masked[cell.U], alone[cell.U], 1e-13);
    check_close(masked[cell.W], alone[cell.W], 1e-13);
}

TEST_CASE("mask: of booleans or numbers, batch first, with lengths, and one that leaves nothing out") {
    nn::Generator generator(7);
    const auto cell = lstm(generator);
    Random random("kinds");
    const Tensor<double> x = random.tensor({T, B, I});
    Tape<double> tape;
    const Tensor<double> usual = nn::unroll(cell, x, {.mask = mask}).outputs.value();
    check_same_bits(nn::unroll(cell, x, {.mask = xt::cast<float>(mask)}).outputs.value(), usual);
    check_same_bits(nn::unroll(cell, x, {.mask = xt::cast<int>(mask) * 3}).outputs.value(), usual);

    const Var<double> by_batch = transpose(input(x), {1, 0, 2});
    const xt::xarray<bool> mask_by_batch = xt::transpose(mask);
    const auto first = nn::unroll(cell, by_batch, {.batch_first = true, .mask = mask_by_batch});
    check_same_bits(transpose(first.outputs, {1, 0, 2}).value(), usual);

    const auto both = nn::unroll(cell, x, {.lengths = {3, 5, 5, 2}, .mask = mask}).outputs.value();
    check_close(output_at(both, 2, 0), output_at(usual, 2, 0), 1e-14);
    check_same_bits(output_at(both, 3, 0), filled({1, 1, H}, 0));
    check_close(output_at(both, 3, 1), output_at(usual, 1, 1), 1e-14);
    check_same_bits(output_at(both, 2, 3), filled({1, 1, H}, 0));

    Tape<double> whole;
    nn::unroll(cell, x);
    Tape<double> open;
    nn::unroll(cell, x, {.mask = xt::ones<bool>({T, B})});
    CHECK(open.size() == whole.size());
    const auto nothing = nn::unroll(cell, x, {.trace = true, .mask = xt::zeros<bool>({T, B})});
    check_same_bits(nothing.outputs.value(), filled({T, B, H}, 0));
    check_same_bits(nothing.state[0].value(), filled({B, H}, 0));
}

TEST_CASE("mask: one that does not fit is refused, and the tape is as before") {
    nn::Generator generator(7);
    const auto cell = lstm(generator);
    const Tape<double> tape;
    const auto refused = [&](const nn::UnrollOptions& options) {
        const auto text = text_of<std::invalid_argument>([&] {
            nn::unroll(cell, filled({T, B, I}, 1), options);
        });
        CHECK(tape.size() == 0);
        return text;
    };
    CHECK(
        contains(refused({.mask = xt::ones<bool>({B, T})}), "unroll: the mask is [4, 5] and x is [5, 4, 3]"));
    CHECK(contains(refused({.mask = xt::ones<bool>({T})}), "the mask is [5]"));
    CHECK(contains(refused({.batch_first = true, .mask = xt::ones<bool>({B, T})}), "must be [5, 4]"));
}
