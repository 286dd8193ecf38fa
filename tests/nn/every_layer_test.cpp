#include <tests/expect.hpp>

#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>
#include <nn/summary.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 4;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A cell that is not the library's, whose state mixes two kinds: h [B, H], and a count [B, 1].
struct UserCell {
    Parameter<double> U, W;

    explicit UserCell(nn::Generator& generator, std::size_t inputs = I)
        : U("U", nn::xavier_uniform<double>({inputs, H}, generator)),
          W("W", nn::xavier_uniform<double>({H, H}, generator, 2)) {}
    std::pair<Var<double>, std::array<Var<double>, 1>> initial_state(std::size_t batch) const {
        return {input(nn::zeros<double>({batch, H})), {input(nn::zeros<double>({batch, 1}))}};
    }
    auto step(const Var<double>& x, const std::pair<Var<double>, std::array<Var<double>, 1>>& state) const {
        const Var<double> count = state.second[0] + 0.5;
        const Var<double> h = tanh(matmul(x, U) + matmul(state.first, W) / (1 + count));
        return std::pair{h * 2, std::pair{h, std::array{count}}};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// Everything that a layer gives, and the gradients of a random function of it.
struct Run {
    Tensor<double> outputs;
    Tensors state;
    Tensors gradients;  ///< of the parameters, then x, then the initial state
};

template <class L>
Run run(L& layer, const Tensor<double>& x, const Tensors& initial, const nn::UnrollOptions& options,
        const Tensor<double>& weights, const Tensors& state_weights) {
    Tape<double> tape;
    const Var<double> sequence = input(x);
    WrtList<double> wrt(layer.parameters());
    wrt.add(sequence);
    auto next = initial.begin();
    const auto state =
        nn::map_state([&](const Var<double>&) { return input(*next++); }, layer.initial_state(x.shape()[1]));
    nn::for_each_part([&](const Var<double>& part) { wrt.add(part); }, state);
    const auto result = nn::unroll(layer, sequence, state, options);
    Var<double> J = sum(result.outputs * weights);
    auto weight = state_weights.begin();
    nn::for_each_part([&](const Var<double>& part) { J = J + sum(part * *weight++); }, result.state);
    Run run{result.outputs.value(), {}, {}};
    nn::for_each_part([&](const Var<double>& part) { run.state.push_back(part.value()); }, result.state);
    for (const Tensor<double>& g : gradient(J, wrt)) run.gradients.push_back(g);
    return run;
}

Tensor<double> row_of(const Tensor<double>& x, std::size_t axis, std::size_t row) {
    return part_of(x, axis, row, 1);
}

/// A padded batch, NaN behind its rows' ends, against each row alone.
template <class L>
void check_rows(L& layer, bool reverse) {
    constexpr std::size_t T = 5;
    const std::vector<std::size_t> lengths{3, 5, 0, 1};
    const std::size_t B = lengths.size();
    Random random("padded");
    Tensor<double> x = random.tensor({T, B, I});
    Tensors initial;
    Tensors state_weights;
    {
        Tape<double> tape;
        for (const Shape& shape : nn::shapes_of(layer.initial_state(B))) {
            initial.push_back(random.tensor(shape));
            state_weights.push_back(random.tensor(shape));
        }
    }
    std::size_t width = 0;
    {
        Tape<double> tape;
        width = nn::unroll(layer, x).outputs.shape()[2];
    }
    const Tensor<double> weights = random.tensor({T, B, width});
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t b = 0; b < B; ++b)
            if (t >= lengths[b])
                for (std::size_t i = 0; i < I; ++i) x(t, b, i) = nan;

    nn::UnrollOptions options;
    options.reverse = reverse;
    options.lengths = lengths;
    const Run batch = run(layer, x, initial, options, weights, state_weights);

    const std::size_t parameter_count = layer.parameters().size();
    Tensors sums;
    for (std::size_t k = 0; k < parameter_count; ++k) sums.push_back(filled(shape_of(batch.gradients[k]), 0));
    for (std::size_t b = 0; b < B; ++b) {
        CAPTURE(b);
        const auto alone_of = [&](const Tensors& all) {
            Tensors rows;
            for (const Tensor<double>& one : all) rows.push_back(row_of(one, 0, b));
            return rows;
        };
        const Tensor<double> own_x = part_of(row_of(x, 1, b), 0, 0, lengths[b]);
        const Tensor<double> own_weights = part_of(row_of(weights, 1, b), 0, 0, lengths[b]);
        nn::UnrollOptions plain;
        plain.reverse = reverse;
        const Run row = run(layer, own_x, alone_of(initial), plain, own_weights, alone_of(state_weights));
        check_close(part_of(row_of(batch.outputs, 1, b), 0, 0, lengths[b]), row.outputs, 1e-14);
        check_close(part_of(row_of(batch.outputs, 1, b), 0, lengths[b], T - lengths[b]),
                    filled({T - lengths[b], 1, width}, 0), 0);
        for (std::size_t k = 0; k < batch.state.size(); ++k)
            check_close(row_of(batch.state[k], 0, b), row.state[k], 1e-14);
        const Tensor<double>& dx = batch.gradients[parameter_count];
        check_close(part_of(row_of(dx, 1, b), 0, 0, lengths[b]), row.gradients[parameter_count], 1e-13);
        check_close(part_of(row_of(dx, 1, b), 0, lengths[b], T - lengths[b]),
                    filled({T - lengths[b], 1, I}, 0), 0);
        for (std::size_t k = 0; k < batch.state.size(); ++k)
            check_close(row_of(batch.gradients[parameter_count + 1 + k], 0, b),
                        row.gradients[parameter_count + 1 + k], 1e-13);
        for (std::size_t k = 0; k < parameter_count; ++k)
            sums[k] = each(sums[k], row.gradients[k], [](double a, double c) { return a + c; });
    }
    for (std::size_t k = 0; k < parameter_count; ++k) check_close(batch.gradients[k], sums[k], 1e-12);
}

nn::LstmCell<double> lstm(nn::Generator& generator, std::size_t inputs = I, std::size_t units = H) {
    return {inputs, units, generator};
}
nn::GruCell<double> gru(nn::Generator& generator, std::size_t inputs = I, std::size_t units = H) {
    return {inputs, units, generator};
}

Tensor<double> outputs_of(auto& layer, const Tensor<double>& x, const nn::UnrollOptions& options = {}) {
    Tape<double> tape;
    return nn::unroll(layer, x, options).outputs.value();
}

}  // namespace

TEST_CASE("lengths: a padded batch gives what its rows give alone, values and gradients, for every layer") {
    nn::Generator generator(5);
    for (bool reverse : {false, true}) {
        CAPTURE(reverse);
        auto elman = nn::ElmanCell<double>(I, H, generator);
        check_rows(elman, reverse);
        auto memory = lstm(generator);
        check_rows(memory, reverse);
        auto gated = gru(generator);
        check_rows(gated, reverse);
        auto own = UserCell(generator);
        check_rows(own, reverse);
        auto both = nn::Bidirectional(lstm(generator), UserCell(generator));
        check_rows(both, reverse);
        auto residual = nn::Residual(gru(generator, I, I));
        check_rows(residual, reverse);
        auto reversed = nn::Reversed(UserCell(generator));
        check_rows(reversed, reverse);
        auto stack = nn::Stack<double>(UserCell(generator), nn::Linear<double>(H, H, generator),
                                       nn::Bidirectional(lstm(generator, H), gru(generator, H)),
                                       nn::Residual(lstm(generator, 2 * H, 2 * H)));
        check_rows(stack, reverse);
    }
}

TEST_CASE("lengths: when all are the whole sequence nothing is masked, when all are 0 nothing is read") {
    nn::Generator generator(5);
    const auto cell = lstm(generator);
    Random random("whole");
    const Tensor<double> x = random.tensor({4, 2, I});
    check_same_bits(outputs_of(cell, x, {.lengths = {4, 4}}), outputs_of(cell, x));
    check_same_bits(outputs_of(cell, x, {.lengths = {0, 0}}), filled({4, 2, H}, 0));
    Tape<double> tape;
    nn::unroll(cell, x);
    const std::size_t plain = tape.size();
    Tape<double> other;
    nn::unroll(cell, x, {.lengths = {4, 4}});
    CHECK(other.size() == plain);
}

TEST_CASE("lengths: what does not fit is refused, and the tape is as before") {
    nn::Generator generator(5);
    const auto cell = gru(generator);
    const Tensor<double> x = filled({4, 2, I}, 0.5);
    Tape<double> tape;
    const std::string few = text_of<std::invalid_argument>([&] { nn::unroll(cell, x, {.lengths = {4}}); });
    CHECK(contains(few, "unroll: there are 1 lengths for a batch of 2"));
    const std::string late = text_of<std::invalid_argument>([&] {
        nn::unroll(cell, x, {.lengths = {4, 5}});
    });
    CHECK(contains(late, "unroll: the length of row 1 is 5; the sequence has 4 time steps"));
    CHECK(tape.size() == 0);
}

TEST_CASE("reverse: as a forward run over the flipped sequence, trace included") {
    nn::Generator generator(6);
    const auto cell = lstm(generator);
    Random random("flipped");
    const Tensor<double> x = random.tensor({4, 2, I});
    Tape<double> tape;
    const auto against = nn::unroll(cell, x, {.trace = true, .reverse = true});
    const auto flipped = nn::unroll(cell, flip(input(x), 0), {.trace = true});
    check_same_bits(against.outputs.value(), flip(flipped.outputs, 0).value());
    check_same_bits(against.state[1].value(), flipped.state[1].value());
    for (std::size_t t = 0; t < 4; ++t)
        check_same_bits(against.trace[t][1].value(), flipped.trace[3 - t][1].value());
}

TEST_CASE("trace: behind a row's end its state stays") {
    nn::Generator generator(6);
    const auto cell = gru(generator);
    Random random("trace");
    const Tensor<double> x = random.tensor({4, 2, I});
    Tape<double> tape;
    const auto result = nn::unroll(cell, x, {.trace = true, .lengths = {1, 2}});
    REQUIRE(result.trace.size() == 4);
    check_same_bits(row_of(result.trace[3].value(), 0, 0), row_of(result.trace[0].value(), 0, 0));
    check_same_bits(row_of(result.trace[3].value(), 0, 1), row_of(result.trace[1].value(), 0, 1));
    CHECK(!difference_in_bits(row_of(result.trace[1].value(), 0, 1), row_of(result.trace[0].value(), 0, 1))
               .empty());
}

TEST_CASE("Bidirectional: the four merges of two runs") {
    nn::Generator generator(7);
    auto forward = gru(generator);
    auto backward = gru(generator);
    Random random("merge");
    const Tensor<double> x = random.tensor({4, 2, I});
    const Tensor<double> ahead = outputs_of(forward, x);
    const Tensor<double> back = outputs_of(backward, x, {.reverse = true});
    nn::Bidirectional both(std::move(forward), std::move(backward));
    const Tensor<double> side_by_side = outputs_of(both, x);
    check_same_bits(part_of(side_by_side, 2, 0, H), ahead);
    check_same_bits(part_of(side_by_side, 2, H, H), back);
    both.how = nn::Merge::sum;
    check_close(outputs_of(both, x), each(ahead, back, [](double a, double b) { return a + b; }));
    both.how = nn::Merge::product;
    check_close(outputs_of(both, x), each(ahead, back, [](double a, double b) { return a * b; }));
    both.how = nn::Merge::average;
    check_close(outputs_of(both, x), each(ahead, back, [](double a, double b) { return (a + b) / 2; }));

    nn::Bidirectional unequal(gru(generator, I, 2), gru(generator, I, 3), nn::Merge::sum);
    Tape<double> tape;
    CHECK(contains(text_of<std::invalid_argument>([&] { nn::unroll(unequal, x); }), "[4, 2, 2]"));
    CHECK(tape.size() == 0);
}

TEST_CASE("Stack: layer by layer as step by step") {
    nn::Generator generator(8);
    nn::Stack<double> stack(lstm(generator), nn::Residual(UserCell(generator, H)),
                            nn::Linear<double>(H, 2, generator));
    static_assert(nn::TrainableCell<nn::Stack<double>>);
    Random random("stack");
    const Tensor<double> x = random.tensor({5, 2, I});
    Tape<double> tape;
    const auto whole = nn::unroll(stack, x, {.trace = true});
    auto state = stack.initial_state(2);
    for (std::size_t t = 0; t < 5; ++t) {
        const auto [y, after] =
            stack.step(reshape(slice(x, 0, std::ptrdiff_t(t), std::ptrdiff_t(t) + 1), {2, I}), state);
        check_close(part_of(whole.outputs.value(), 0, t, 1), reshape(y, {1, 2, 2}).value(), 1e-14);
        check_close(whole.trace[t][0][1].value(), after[0][1].value(), 1e-14);
        state = after;
    }
}

TEST_CASE("Stack: paths, names and layers") {
    nn::Generator generator(8);
    nn::Stack<double> stack(lstm(generator), nn::Linear<double>(H, 2, generator));
    stack.add("top", nn::Bidirectional(gru(generator, 2), gru(generator, 2)));
    std::string paths;
    for (const auto& entry : stack.parameters()) paths += entry.path + " ";
    CHECK(paths ==
          "layer0/U layer0/W layer0/b layer1/V layer1/c top/forward/U top/forward/W top/forward/b "
          "top/forward/b_recurrent top/backward/U top/backward/W top/backward/b top/backward/b_recurrent ");
    CHECK(stack.layer(0).as<nn::LstmCell<double>>().W.shape() == Shape{H, 4 * H});
    CHECK(contains(text_of<std::invalid_argument>([&] { stack.layer(0).as<nn::GruCell<double>>(); }),
                   "another type"));
    CHECK(contains(text_of<std::invalid_argument>([&] { stack.layer(3); }), "no layer 3"));
    CHECK(contains(text_of<std::invalid_argument>([&] { stack.add("top", gru(generator)); }), "`top`"));
    Tape<double> tape;
    CHECK(contains(text_of<std::logic_error>([&] {
                       stack.step(input(filled({1, I}, 0)), stack.initial_state(1));
                   }),
                   "whole sequences"));
}

TEST_CASE("Stack: layers that are referred to keep their weights outside") {
    nn::Generator generator(8);
    auto cell = gru(generator);
    nn::Stack<double> stack(std::ref(cell));
    CHECK(stack.parameters()[1].parameter == &cell.W);
    CHECK(&stack.layer(0).as<nn::GruCell<double>>() == &cell);
    Random random("referred");
    const Tensor<double> x = random.tensor({3, 2, I});
    check_same_bits(outputs_of(stack, x), outputs_of(cell, x));
}

TEST_CASE("batch first: the same as transposed by hand") {
    nn::Generator generator(9);
    nn::Stack<double> stack(nn::Bidirectional(lstm(generator), lstm(generator)));
    Random random("batch first");
    const Tensor<double> x = random.tensor({2, 5, I});
    const Tensor<double> time_major = xt::transpose(x, {1, 0, 2});
    const Tensor<double> expected =
        xt::transpose(outputs_of(stack, time_major, {.lengths = {5, 2}}), {1, 0, 2});
    check_same_bits(outputs_of(stack, x, {.batch_first = true, .lengths = {5, 2}}), expected);
}

TEST_CASE("Residual: outputs of another width are refused") {
    nn::Generator generator(9);
    nn::Residual residual(gru(generator));
    Tape<double> tape;
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::unroll(residual, filled({4, 2, I}, 0));
                   }),
                   "x is [4, 2, 3] and the layer's outputs are [4, 2, 4]"));
    CHECK(tape.size() == 0);
}

TEST_CASE("a thrown unroll leaves nothing behind, on the tape of x either") {
    nn::Generator generator(9);
    Tape<double> outer;
    const Var<double> x = input(filled({4, 2, I + 1}, 0));
    const std::size_t before = outer.size();
    const auto cell = gru(generator);
    Tape<double> inner;
    CHECK_THROWS_AS(nn::unroll(cell, x), std::invalid_argument);
    CHECK(outer.size() == before);
    CHECK(inner.size() == 0);
}

TEST_CASE("summary: layers, shapes and counts of parameters, as Keras counts them") {
    nn::Generator generator(10);
    const auto count = [&](std::vector<std::size_t> units) {
        nn::Stack<float> model;
        std::size_t inputs = 1;
        for (std::size_t n : units) {
            model.add(nn::ElmanCell<float>(inputs, n, generator));
            inputs = n;
        }
        model.add("dense", nn::Linear<float>(inputs, 1, generator));
        return model.parameters().value_count();
    };
    CHECK(count({20}) == 461);
    CHECK(count({256}) == 66'305);
    CHECK(count({34, 34, 34, 34}) == 8'297);

    nn::Stack<double> model(lstm(generator), nn::Bidirectional(gru(generator, H), gru(generator, H)));
    model.add("dense", nn::Linear<double>(2 * H, 2, generator));
    Tape<double> tape;
    nn::unroll(model, filled({5, 2, I}, 0));
    const std::string text = nn::summary(tape, model.parameters());
    CHECK_MESSAGE(contains(text, "layer0           [5, 2, 4]              128"), text);
    CHECK_MESSAGE(contains(text, "layer1/backward  [5, 2, 4]              112"), text);
    CHECK_MESSAGE(contains(text, "layer1           [5, 2, 8]                0"), text);
    CHECK_MESSAGE(contains(text, "dense            [5, 2, 2]               18"), text);
    CHECK_MESSAGE(contains(text, "total                                   370"), text);
}
