#include <tests/nn/layers/against_loops.hpp>

#include <autograd/ops/join.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/stack.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t T = 3;
constexpr std::size_t S = 4;
constexpr std::size_t B = 3;
constexpr std::size_t I = 2;
constexpr std::size_t H = 3;

using Lengths = std::vector<std::size_t>;

/// A user's cell: h' = tanh((x + h) W).
struct UserCell {
    Parameter<double> W;
    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, W.shape()[1]}, 0)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(matmul(x + h, W));
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(W); }
};
static_assert(nn::TrainableCell<nn::AttentionCell<UserCell>>);
static_assert(nn::TrainableCell<nn::AttentionCell<nn::LstmCell<float>, nn::DotAttention<float>>>);

double dot(const Tensor<double>& h, const Tensor<double>& source, std::size_t b, std::size_t s) {
    double total = 0;
    for (std::size_t k = 0; k < H; ++k) total += at(h, {b, k}) * at(source, {s, b, k});
    return total;
}

Tensor<double> context_of(const Tensor<double>& h, const Tensor<double>& source, const Lengths& lengths) {
    return generate({B, H}, [&](const Position& i) {
        double total = 0;
        double sum = 0;
        for (std::size_t s = 0; s < lengths[i[0]]; ++s) {
            const double weight = std::exp(dot(h, source, i[0], s));
            total += weight;
            sum += weight * at(source, {s, i[0], i[1]});
        }
        return total == 0 ? 0 : sum / total;
    });
}

/// Elman's cell with dot-product attention; x, source, h(0), U, W, b. The outputs, the last h and context.
Tensors in_loops(const Tensors& x, const Lengths& lengths) {
    Tensor<double> h = x[2];
    Tensor<double> context = filled({B, H}, 0);
    Tensor<double> outputs = tapeloop::detail::uninitialised<double>({T, B, 2 * H});
    for (std::size_t t = 0; t < T; ++t) {
        h = generate({B, H}, [&, before = h](const Position& i) {
            double sum = at(x[5], {i[1]});
            for (std::size_t k = 0; k < I; ++k) sum += at(x[0], {t, i[0], k}) * at(x[3], {k, i[1]});
            for (std::size_t k = 0; k < H; ++k) {
                sum += at(context, {i[0], k}) * at(x[3], {I + k, i[1]});
                sum += at(before, {i[0], k}) * at(x[4], {k, i[1]});
            }
            return std::tanh(sum);
        });
        context = context_of(h, x[1], lengths);
        for (std::size_t b = 0; b < B; ++b)
            for (std::size_t k = 0; k < H; ++k) {
                outputs.data()[(t * B + b) * 2 * H + k] = at(h, {b, k});
                outputs.data()[(t * B + b) * 2 * H + H + k] = at(context, {b, k});
            }
    }
    return {outputs, h, context};
}

using Attending = nn::AttentionCell<nn::ElmanCell<double>, nn::DotAttention<double>>;

Attending made() {
    nn::Generator generator(4);
    return {nn::ElmanCell<double>(I + H, H, generator), nn::DotAttention<double>(), H};
}

}  // namespace

TEST_CASE("AttentionCell: values and gradients of both orders are those of plain loops") {
    Random random("attention cell");
    Attending cell = made();
    for (const Lengths& lengths : {Lengths{S, S, S}, Lengths{2, 0, 4}}) {
        const Tensors arguments{random.tensor({T, B, I}),     random.tensor({S, B, H}, -2, 2),
                                random.tensor({B, H}),        random.tensor({I + H, H}),
                                random.tensor({H, H}, -1, 1), random.tensor({H})};
        check_against_loops(
            [&](const std::vector<Var<double>>& x) {
                const auto unrolled = nn::unroll(cell, x[0], cell.attending(x[1], lengths, x[2]));
                return std::vector{unrolled.outputs, std::get<0>(unrolled.state),
                                   std::get<1>(unrolled.state)};
            },
            [&](const Tensors& x) { return in_loops(x, lengths); }, arguments, cell.parameters());
    }
}

TEST_CASE("AttentionCell: the trace holds each step's weights") {
    Random random("weights");
    const Attending cell = made();
    const Lengths lengths{2, 0, 4};
    const Tensor<double> source = random.tensor({S, B, H}, -2, 2);
    Tape<double> tape;
    const auto unrolled =
        nn::unroll(cell, random.tensor({T, B, I}), cell.attending(source, lengths), {.trace = true});
    REQUIRE(unrolled.trace.size() == T);
    for (const auto& state : unrolled.trace) {
        const Tensor<double> h = std::get<0>(state).value();
        check_close(cell.weights(state).value(), generate({B, S}, [&](const Position& i) {
                        double total = 0;
                        for (std::size_t s = 0; s < lengths[i[0]]; ++s)
                            total += std::exp(dot(h, source, i[0], s));
                        return i[1] < lengths[i[0]] ? std::exp(dot(h, source, i[0], i[1])) / total : 0;
                    }));
    }
}

TEST_CASE("AttentionCell: a sequence in two stretches, the state carried between two tapes") {
    Random random("stretches");
    nn::Generator generator(2);
    const nn::AttentionCell cell(nn::LstmCell<double>(I + 5, H, generator),
                                 nn::AdditiveAttention<double>(H, 5, 4, generator), 5);
    const Tensor<double> x = random.tensor({5, B, I});
    const Tensor<double> source = random.tensor({S, B, 5});
    const Tape<double> tape;
    const auto start = cell.attending(source, {2, 4, 1});
    const auto whole = nn::unroll(cell, x, start);
    const auto carried = nn::carry(nn::unroll(cell, part_of(x, 0, 0, 2), start).state);
    const Tape<double> other;
    const auto rest = nn::unroll(cell, part_of(x, 0, 2, 3), nn::resume(carried));
    check_close(rest.outputs.value(), part_of(whole.outputs.value(), 0, 2, 3), 1e-14);
}

TEST_CASE("AttentionCell: rows of different lengths are the rows run alone") {
    Random random("padded");
    const Attending cell = made();
    const Tensor<double> x = random.tensor({T, B, I});
    const Tensor<double> source = random.tensor({S, B, H});
    const Lengths written{3, 1, 2};
    const Lengths read{4, 3, 1};
    const Tape<double> tape;
    const auto all = nn::unroll(cell, spoiled(x, written), cell.attending(spoiled(source, read), read),
                                {.lengths = written});
    for (std::size_t b = 0; b < B; ++b) {
        CAPTURE(b);
        const Tensor<double> own_x = part_of(part_of(x, 1, b, 1), 0, 0, written[b]);
        const Tensor<double> own_source = part_of(part_of(source, 1, b, 1), 0, 0, read[b]);
        const auto alone = nn::unroll(cell, own_x, cell.attending(own_source));
        check_close(part_of(part_of(all.outputs.value(), 1, b, 1), 0, 0, written[b]), alone.outputs.value());
        check_close(part_of(std::get<0>(all.state).value(), 0, b, 1), std::get<0>(alone.state).value());
    }
}

TEST_CASE("AttentionCell: with a user's cell, and as the lower layer of a stack") {
    Random random("any cell");
    nn::Generator generator(2);
    using Inner = nn::AttentionCell<UserCell, nn::DotAttention<double>>;
    Inner cell(UserCell{Parameter<double>("W", random.tensor({I + I, I + I}))}, nn::DotAttention<double>(),
               I + I);
    // The inner cell adds x and h: I + K must be H, so x has to be empty here.
    const Tape<double> tape;
    const Tensor<double> nothing = filled({T, B, 0}, 0);
    const Tensor<double> source = random.tensor({S, B, I + I});
    const auto alone = nn::unroll(cell, nothing, cell.attending(source));
    CHECK(alone.outputs.shape() == Shape{T, B, 4 * I});

    nn::Stack<double> stack(std::ref(cell), nn::ElmanCell<double>(4 * I, H, generator));
    auto state = stack.initial_state(B);
    state[0].clear();
    nn::for_each_part([&](const Var<double>& part) { state[0].push_back(part); }, cell.attending(source));
    const auto stacked = nn::unroll(stack, nothing, state);
    const auto upper = nn::unroll(stack.layer(1).as<nn::ElmanCell<double>>(), alone.outputs);
    check_close(stacked.outputs.value(), upper.outputs.value(), 1e-14);
}

TEST_CASE("AttentionCell: without a source the context is 0, and the paths of its parameters") {
    Random random("no source");
    nn::Generator generator(2);
    nn::AttentionCell cell(nn::LstmCell<double>(I + 5, H, generator),
                           nn::AdditiveAttention<double>(H, 5, 4, generator), 5);
    const Tape<double> tape;
    const auto unrolled = nn::unroll(cell, random.tensor({T, B, I}));
    check_same_bits(part_of(unrolled.outputs.value(), 2, H, 5), filled({T, B, 5}, 0));
    std::vector<std::string> paths;
    for (const auto& entry : cell.parameters()) paths.push_back(entry.path);
    CHECK(paths == std::vector<std::string>{"cell/U", "cell/W", "cell/b", "attention/W", "attention/U",
                                            "attention/v"});
}

TEST_CASE("AttentionCell: errors, before anything is recorded") {
    const Attending cell = made();
    const Tape<double> tape;
    const auto refused = [](auto&& make) { return text_of<std::invalid_argument>([&] { make(); }); };
    CHECK(contains(refused([&] {
                       cell.attending(filled({S, B, H + 1}, 1));
                   }),
                   "AttentionCell: source is [4, 3, 4]; for this cell it must be [S, B, 3]"));
    CHECK(contains(refused([&] { cell.attending(filled({S, H}, 1)); }), "source is [4, 3]"));
    CHECK(contains(refused([&] {
                       cell.attending(filled({S, B, H}, 1), {1, 2, 9});
                   }),
                   "attention: the length of row 2 is 9"));
    CHECK(tape.size() == 0);
    // A state for another batch, and one with another inner state.
    const auto state = cell.attending(filled({S, B + 1, H}, 1));
    CHECK(refused([&] { nn::unroll(cell, filled({T, B, I}, 1), state); }) != "");
    const auto other = cell.attending(filled({S, B, H}, 1), {}, input(filled({B, H + 1}, 1)));
    CHECK(refused([&] { nn::unroll(cell, filled({T, B, I}, 1), other); }) != "");
}
