#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 5;

template <class C>
C made() {
    nn::Generator generator(11);
    return C(I, H, generator);
}

/// Another cell, its `project` hidden: every step computes the input's part itself.
template <class C>
struct Unhoisted {
    const C& cell;
    auto initial_state(std::size_t batch) const { return cell.initial_state(batch); }
    auto step(const Var<double>& x, const nn::StateOf<C>& state) const { return nn::advance(cell, x, state); }
};

/// A user's cell without `project`: h' = tanh((x + h) W).
struct UserCell {
    Parameter<double> W;
    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, W.shape()[1]}, 0)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(matmul(x + h, W));
        return std::pair{next, next};
    }
};

template <class C>
std::size_t nodes_of(const C& cell, std::size_t T) {
    const Tensor<double> x = filled({T, 2, I}, 0.1);
    Tape<double> tape;
    nn::unroll(cell, x);
    return tape.size();
}

template <class C>
void check_node_count(const C& cell, std::size_t at_once, std::size_t per_step) {
    for (std::size_t T : {1U, 2U, 3U, 10U, 64U}) {
        CAPTURE(T);
        CHECK(nodes_of(cell, T) == at_once + per_step * T);
    }
    CHECK(nodes_of(cell, 0) <= at_once);
}

/// The gradient by a state's parts, x and the parameters, of all outputs and of the last state.
template <class C>
struct Differentiated {
    Tensors values;
    Tensors gradients;

    template <class Cell>
    Differentiated(const Cell& cell, C& owner, const Tensor<double>& sequence, const Tensor<double>& first) {
        Random random("differentiated");
        Tape<double> tape;
        const Var<double> x = input(sequence);
        WrtList<double> wrt{x};
        const auto given = [&](const Var<double>&) {
            wrt.add(input(first));
            return wrt.list().back().var();
        };
        const auto state = nn::map_state(given, cell.initial_state(first.shape()[0]));
        for (const auto& entry : owner.parameters()) wrt.add(*entry.parameter);
        const auto unrolled = nn::unroll(cell, x, state);
        std::vector<GradientRoot<double>> roots{{unrolled.outputs, random.tensor(unrolled.outputs.shape())}};
        nn::for_each_part(
            [&](const auto& part) {
                roots.push_back({part, random.tensor(part.shape())});
            },
            unrolled.state);
        for (const GradientRoot<double>& root : roots) values.push_back(root.value.value());
        for (const Tensor<double>& g : gradient(roots, wrt)) gradients.push_back(g);
    }
};

template <class C>
void check_hoisted_or_not() {
    Random random("hoisted");
    C cell = made<C>();
    const Tensor<double> x = random.tensor({6, 4, I});
    const Tensor<double> first = random.tensor({4, H});
    const Differentiated<C> hoisted(cell, cell, x, first);
    const Differentiated<C> not_hoisted(Unhoisted<C>{cell}, cell, x, first);
    for (std::size_t k = 0; k < hoisted.values.size(); ++k)
        check_close(not_hoisted.values[k], hoisted.values[k], 1e-13);
    for (std::size_t k = 0; k < hoisted.gradients.size(); ++k)
        check_close(not_hoisted.gradients[k], hoisted.gradients[k], 1e-12);
}

/// Rows begin .. end - 1 along the first axis.
Tensor<double> stretch_of(const Tensor<double>& x, std::size_t begin, std::size_t end) {
    return part_of(x, 0, begin, end - begin);
}

Tensor<double> exchanged(const Tensor<double>& x) {
    return generate({x.shape()[1], x.shape()[0], x.shape()[2]}, [&](const Position& i) {
        return at(x, {i[1], i[0], i[2]});
    });
}

/// A cell that goes wrong at its fourth step: `spoil` makes the output and the state of it.
template <class Spoil>
struct FailingCell {
    const nn::ElmanCell<double>& cell;
    Spoil spoil;
    mutable std::size_t steps = 0;

    Var<double> initial_state(std::size_t batch) const { return cell.initial_state(batch); }
    Var<double> project(const Var<double>& x) const { return cell.project(x); }
    std::pair<Var<double>, Var<double>> step(const Var<double>& u, const Var<double>& h) const {
        const auto next = cell.step(u, h);
        return steps++ == 3 ? spoil(next.first) : next;
    }
};

}  // namespace

TEST_CASE("unroll: a + b T nodes") {
    // At once: x, the state's zeros, U, b, x U + b, its parting into rows, W, the outputs. A step: its row, h
    // W + u, tanh.
    check_node_count(made<nn::ElmanCell<double>>(), 8, 3);
    // A step: its row, h W, map, h, c. The parts of the state start from one node.
    check_node_count(made<nn::LstmCell<double>>(), 8, 5);
    // A step: its row, h W, map; at once b_recurrent besides.
    check_node_count(made<nn::GruCell<double>>(), 9, 3);
    // At once: x, its parting into rows, the state's zeros, W, the outputs. A step: its row, x + h, the
    // product, tanh.
    check_node_count(UserCell{Parameter<double>("W", filled({I, I}, 0.2))}, 5, 4);
}

TEST_CASE("unroll: projecting all steps at once or each by itself is the same") {
    SUBCASE("Elman") { check_hoisted_or_not<nn::ElmanCell<double>>(); }
    SUBCASE("LSTM") { check_hoisted_or_not<nn::LstmCell<double>>(); }
    SUBCASE("GRU") { check_hoisted_or_not<nn::GruCell<double>>(); }
}

TEST_CASE("unroll: is the cell's steps, one after the other") {
    Random random("steps");
    const auto cell = made<nn::LstmCell<double>>();
    const Tensor<double> x = random.tensor({4, 2, I});
    Tape<double> tape;
    const auto unrolled = nn::unroll(cell, x, {.trace = true});
    auto state = cell.initial_state(2);
    REQUIRE(unrolled.trace.size() == 4);
    for (std::size_t t = 0; t < 4; ++t) {
        CAPTURE(t);
        const auto [output, next] = nn::advance(cell, unstack(x)[t], state);
        state = next;
        check_close(output.value(), unstack(unrolled.outputs)[t].value(), 1e-14);
        check_close(state[0].value(), unrolled.trace[t][0].value(), 1e-14);
        check_close(state[1].value(), unrolled.trace[t][1].value(), 1e-14);
    }
    CHECK(unrolled.state[0].is(unrolled.trace[3][0]));
    CHECK(unrolled.state[1].is(unrolled.trace[3][1]));
    CHECK(nn::unroll(cell, x).trace.empty());
}

TEST_CASE("unroll: what was traced can be differentiated by") {
    Random random("trace");
    const auto cell = made<nn::ElmanCell<double>>();
    Tape<double> tape;
    const auto unrolled = nn::unroll(cell, random.tensor({5, 2, I}), {.trace = true});
    const auto g = gradient(sum(unrolled.state), {unrolled.trace[1], unrolled.trace[3]});
    // One step: h(4) = tanh(.. + h(3) W).
    const Tensor<double> last = unrolled.state.value();
    const Tensor<double> expected = generate({2, H}, [&](const Position& i) {
        double total = 0;
        for (std::size_t j = 0; j < H; ++j)
            total += (1 - at(last, {i[0], j}) * at(last, {i[0], j})) * at(cell.W.value(), {i[1], j});
        return total;
    });
    check_close(g.at(1), expected, 1e-12);
    CHECK(difference(g.at(0), expected, 1e-3) != "");
}

TEST_CASE("unroll: a state of zeros, given or not, is the same") {
    Random random("zeros");
    const auto cell = made<nn::LstmCell<double>>();
    const Tensor<double> x = random.tensor({4, 3, I});
    Tape<double> tape;
    const auto usual = nn::unroll(cell, x);
    const Var<double> zero = input(filled({3, H}, 0));
    const auto given = nn::unroll(cell, x, std::array{zero, zero});
    check_same_bits(given.outputs.value(), usual.outputs.value());
    const auto by_usual = gradient(sum(usual.outputs), {cell.U, cell.W, cell.b});
    const auto by_given = gradient(sum(given.outputs), {cell.U, cell.W, cell.b});
    for (std::size_t k = 0; k < 3; ++k) check_same_bits(by_given.at(k), by_usual.at(k));
}

TEST_CASE("unroll: batch_first exchanges the axes of x and of the outputs, and of nothing else") {
    Random random("batch first");
    const auto cell = made<nn::GruCell<double>>();
    const Tensor<double> by_time = random.tensor({4, 2, I});
    const Tensor<double> cotangent = random.tensor({4, 2, H});
    Tape<double> tape;
    const Var<double> x = input(by_time);
    const Var<double> x_by_batch = input(exchanged(by_time));
    const Var<double> h0 = input(random.tensor({2, H}));
    const auto usual = nn::unroll(cell, x, h0);
    const auto first = nn::unroll(cell, x_by_batch, h0, {.batch_first = true, .trace = true});
    check_same_bits(first.outputs.value(), exchanged(usual.outputs.value()));
    check_same_bits(first.state.value(), usual.state.value());
    CHECK(first.trace.size() == 4);
    CHECK(first.trace[0].shape() == Shape{2, H});
    const auto g = gradient(std::vector<GradientRoot<double>>{{usual.outputs, cotangent}}, {x, cell.W});
    const auto g_first = gradient(std::vector<GradientRoot<double>>{{first.outputs, exchanged(cotangent)}},
                                  {x_by_batch, cell.W});
    check_close(g_first.at(0), exchanged(g.at(0)), 1e-14);
    check_close(g_first.at(1), g.at(1), 1e-14);
    CHECK(nn::unroll(cell, x_by_batch, {.batch_first = true}).outputs.shape() == Shape{2, 4, H});
}

TEST_CASE("unroll: no time steps, and no rows") {
    const auto check = [](auto&& cell) {
        for (const auto& [T, B] : {std::pair{0U, 2U}, std::pair{3U, 0U}, std::pair{0U, 0U}}) {
            CAPTURE(T);
            CAPTURE(B);
            Tape<double> tape;
            const Var<double> x = input(filled({T, B, I}, 1));
            const auto usual = cell.initial_state(B);
            const auto given = nn::map_state([](const Var<double>& part) { return part + 0.5; }, usual);
            const auto unrolled = nn::unroll(cell, x, given, {.trace = true});
            CHECK(unrolled.outputs.shape() == Shape{T, B, H});
            CHECK(unrolled.trace.size() == T);
            std::vector<Var<double>> parts;
            std::vector<Var<double>> given_parts;
            nn::for_each_part([&](const auto& part) { parts.push_back(part); }, unrolled.state);
            nn::for_each_part([&](const auto& part) { given_parts.push_back(part); }, given);
            const Var<double> J = sum(unrolled.outputs) + sum(parts.back());
            const auto g = gradient(J, {cell.U, cell.W, x, given_parts.back()});
            check_same_bits(g[cell.U], filled(cell.U.shape(), 0));
            check_same_bits(g[cell.W], filled(cell.W.shape(), 0));
            check_same_bits(g[x], filled({T, B, I}, 0));
            check_same_bits(g[given_parts.back()], filled({B, H}, 1));
            CHECK(nn::unroll(cell, filled({B, T, I}, 1), {.batch_first = true}).outputs.shape() ==
                  Shape{B, T, H});
        }
    };
    check(made<nn::ElmanCell<double>>());
    check(made<nn::LstmCell<double>>());
    check(made<nn::GruCell<double>>());
}

// The step that finds the outputs' width is taken back, and with it the leaf of W: it must come anew.
TEST_CASE("unroll: after one of no time steps the same tape goes on") {
    Random random("goes on");
    const auto cell = made<nn::ElmanCell<double>>();
    const Tensor<double> x = random.tensor({3, 2, I});
    const auto weight_gradient = [&](bool nothing_before) {
        Tape<double> tape;
        if (nothing_before) nn::unroll(cell, filled({0, 2, I}, 1));
        return gradient(sum(nn::unroll(cell, x).outputs), {cell.W})[cell.W];
    };
    check_same_bits(weight_gradient(true), weight_gradient(false));
}

TEST_CASE("unroll: a state carried over gives the values of the whole, and a gradient that ends there") {
    Random random("carried");
    const auto cell = made<nn::LstmCell<double>>();
    const Tensor<double> x = random.tensor({7, 2, I});
    Tape<double> tape;
    const auto whole = nn::unroll(cell, x, {.trace = true});
    const Tensor<double> outputs = whole.outputs.value();

    nn::Carried<nn::StateOf<nn::LstmCell<double>>> carried;
    {
        Tape<double> first_tape;
        const auto first = nn::unroll(cell, stretch_of(x, 0, 3));
        check_close(first.outputs.value(), stretch_of(outputs, 0, 3), 1e-14);
        carried = nn::carry(first.state);
    }
    Tape<double> second_tape;
    const auto resumed = nn::resume(carried);
    const auto second = nn::unroll(cell, stretch_of(x, 3, 7), resumed);
    check_close(second.outputs.value(), stretch_of(outputs, 3, 7), 1e-14);

    const Tensor<double> cotangent = random.tensor({4, 2, H});
    const auto truncated = gradient(std::vector<GradientRoot<double>>{{second.outputs, cotangent}},
                                    {cell.U, cell.W, cell.b, resumed[0], resumed[1]});
    const Var<double> later = slice(whole.outputs, 0, 3, 7);
    const auto full = gradient(std::vector<GradientRoot<double>>{{later, cotangent}},
                               {cell.U, cell.W, cell.b, whole.trace[2][0], whole.trace[2][1]});
    // The same by the state in between, but not by the weights, which the steps before it used too.
    check_close(truncated.at(3), full.at(3), 1e-12);
    check_close(truncated.at(4), full.at(4), 1e-12);
    for (std::size_t k = 0; k < 3; ++k) CHECK(difference(truncated.at(k), full.at(k), 1e-3) != "");

    Tape<double> cut_tape;
    const auto before = nn::unroll(cell, stretch_of(x, 0, 3));
    const auto cut = [](const Var<double>& part) { return detach(part); };
    const auto after = nn::unroll(cell, stretch_of(x, 3, 7), nn::map_state(cut, before.state));
    const auto detached =
        gradient(std::vector<GradientRoot<double>>{{after.outputs, cotangent}}, {cell.U, cell.W, cell.b});
    for (std::size_t k = 0; k < 3; ++k) check_close(truncated.at(k), detached.at(k), 1e-13);
}

TEST_CASE("unroll: rows of a batch do not touch one another") {
    Random random("rows");
    const auto cell = made<nn::GruCell<double>>();
    const Tensor<double> x = random.tensor({4, 3, I});
    const Tensor<double> cotangent = random.tensor({4, 3, H});
    const auto run = [&](const Tensor<double>& sequence, const Tensor<double>& g) {
        Tape<double> tape;
        const Var<double> own = input(sequence);
        const Var<double> y = nn::unroll(cell, own).outputs;
        return std::pair{y.value(), gradient(std::vector<GradientRoot<double>>{{y, g}}, {own})[own]};
    };
    const auto [together, by_x] = run(x, cotangent);
    for (std::size_t row = 0; row < 3; ++row) {
        const auto [alone, by_own] = run(part_of(x, 1, row, 1), part_of(cotangent, 1, row, 1));
        check_close(part_of(together, 1, row, 1), alone, 1e-13);
        check_close(part_of(by_x, 1, row, 1), by_own, 1e-12);
    }
}

TEST_CASE("unroll: the nodes of a step carry its number") {
    const auto cell = made<nn::ElmanCell<double>>();
    Tape<double> tape;
    const LabelScope<double> label("encoder");
    const auto unrolled = nn::unroll(cell, filled({12, 2, I}, 0.1), {.trace = true});
    for (std::size_t t = 0; t < 12; ++t)
        CHECK(tape.label(unrolled.trace[t].index()) == "encoder/t=" + std::to_string(t));
    CHECK(tape.label(unrolled.outputs.index()) == "encoder");
}

TEST_CASE("unroll: what does not fit is refused, and the tape is as before") {
    const auto cell = made<nn::LstmCell<double>>();
    Tape<double> tape;
    const Var<double> h = input(filled({2, H}, 0));
    const Var<double> wide = input(filled({2, H + 1}, 0));
    const Var<double> x = input(filled({4, 2, I}, 1));
    const auto refused = [&](const auto& call) {
        const std::size_t size = tape.size();
        const std::string text = text_of<std::invalid_argument>(call);
        CHECK(tape.size() == size);
        return text;
    };
    CHECK(refused([&] {
              nn::unroll(cell, filled({4, I}, 1));
          })
              .starts_with(
                  "unroll: x is [4, 3]; a sequence must have three axes or more, [T, B, ..], or [B, T, ..] "
                  "with batch_first (unroll_test.cpp:"));
    CHECK(refused([&] {
              nn::unroll(cell, filled({4, I}, 1), std::array{h, h});
          }).starts_with("unroll: x is"));
    CHECK(refused([&] {
              nn::unroll(cell, x, std::array{h, wide});
          })
              .starts_with(
                  "unroll: the given state is ([2, 5], [2, 6]); for x's batch of 2 it must be ([2, 5], [2, "
                  "5]), as the cell's initial_state is (unroll_test.cpp:"));
    CHECK(contains(refused([&] {
                       nn::unroll(cell, x, std::array{h, h}, {.batch_first = true});
                   }),
                   "batch of 4"));
    CHECK(refused([&] { nn::unroll(cell, filled({4, 2, I + 1}, 1)); }).starts_with("affine: x is [4, 2, 4]"));
}

TEST_CASE("unroll: a step that fails is named, and the tape goes on as before") {
    const auto cell = made<nn::ElmanCell<double>>();
    Random random("fails");
    const Tensor<double> x = random.tensor({6, 2, I});
    const auto check = [&](auto spoil, const std::string& beginning, const std::string& part) {
        Tape<double> tape;
        const LabelScope<double> label("encoder");
        const Var<double> before = input(x);
        const auto text = text_of<std::invalid_argument>([&] {
            nn::unroll(FailingCell<decltype(spoil)>{cell, spoil}, before);
        });
        CHECK_MESSAGE(text.starts_with(beginning), text);
        CHECK_MESSAGE(contains(text, part), text);
        CHECK(tape.size() == 1);
        CHECK(tape.label(input(x).index()) == "encoder");
        // U, W and b entered the tape in the attempt and were taken back.
        const auto g = gradient(sum(nn::unroll(cell, before).outputs), {cell.U, cell.W});
        Tape<double> fresh;
        const auto expected = gradient(sum(nn::unroll(cell, x).outputs), {cell.U, cell.W});
        check_same_bits(g[cell.U], expected[cell.U]);
        check_same_bits(g[cell.W], expected[cell.W]);
    };
    const auto wrong_product = [](const Var<double>& h) { return std::pair{matmul(h, h), h}; };
    check(wrong_product, "matmul: a is [2, 5] and b is [2, 5]", "encoder/t=3");
    const auto wider = [](const Var<double>& h) { return std::pair{h, concatenate({h, h}, 1)}; };
    check(
        wider,
        "unroll: the cell's step at t=3 makes a state of [2, 10] from one of [2, 5]; it must keep the shapes",
        "unroll_test.cpp:");
    const auto narrower = [](const Var<double>& h) { return std::pair{slice(h, 1, 0, 2), h}; };
    check(narrower, "stack: ", "unroll_test.cpp:");
}

/// Counts its steps in a scalar beside an Elman cell's state.
struct CountingCell {
    nn::ElmanCell<double> cell;

    std::pair<Var<double>, Var<double>> initial_state(std::size_t batch) const {
        return {cell.initial_state(batch), input(Tensor<double>(0.0))};
    }
    auto step(const Var<double>& x, const std::pair<Var<double>, Var<double>>& state) const {
        const Var<double> h = nn::advance(cell, x, state.first).second;
        return std::pair{h, std::pair{h, state.second + 1}};
    }
};

TEST_CASE("unroll: a part of the state without a batch has no rows to keep") {
    const CountingCell counting{made<nn::ElmanCell<double>>()};
    Random random("counting");
    const Tensor<double> x = random.tensor({3, 2, I});
    const Tape<double> tape;
    CHECK(nn::unroll(counting, x).state.second.item() == 3);
    const std::size_t size = tape.size();
    const auto text = text_of<std::invalid_argument>([&] { nn::unroll(counting, x, {.lengths = {3, 1}}); });
    CHECK_MESSAGE(text.starts_with("unroll: a part of the state is []; with lengths,"), text);
    CHECK_MESSAGE(contains(text, "batch (2)"), text);
    CHECK(tape.size() == size);
}

// h(t) = relu(x(t) U + h(t-1) + b) with all of it positive: sums that are exact.
TEST_CASE("unroll: 100,000 time steps are differentiated") {
    constexpr std::size_t T = 100'000;
    const nn::ElmanCell<double> cell(filled({1, 2}, 1), nn::identity<double>(2), filled({2}, 0),
                                     {nn::Activation::relu});
    Tape<double> tape;
    const Var<double> h0 = input(filled({1, 2}, 0));
    const Var<double> x = input(filled({T, 1, 1}, 1));
    const auto unrolled = nn::unroll(cell, x, h0);
    constexpr double n = T;
    check_same_bits(unrolled.state.value(), filled({1, 2}, n));
    const auto g = gradient(sum(unrolled.state), {cell.U, cell.W, cell.b, h0, x});
    check_same_bits(g[cell.U], filled({1, 2}, n));
    check_same_bits(g[cell.W], filled({2, 2}, n * (n - 1) / 2));
    check_same_bits(g[cell.b], filled({2}, n));
    check_same_bits(g[h0], filled({1, 2}, 1));
    check_same_bits(g[x], filled({T, 1, 1}, 2));
    CHECK(tape.size() == 8 + 3 * T + 1);  // the sum besides
}
