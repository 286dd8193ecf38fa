#include <tests/autograd/ops/onnx_counterparts.hpp>
#include <tests/autograd/ops/op_table.hpp>

#include <autograd/custom.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/play/replay.hpp>
#include <autograd/study/play/transcribe.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/losses/losses.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using tapeloop::detail::Replay;
using tapeloop::detail::Transcript;

namespace {

constexpr double tolerance = 1e-12;

/// The largest difference, relative to the largest magnitude; infinite for other shapes.
double deviation_of(const Tensor<double>& expected, const Tensor<double>* found) {
    if (found == nullptr || tapeloop::shape_of(*found) != tapeloop::shape_of(expected)) return INFINITY;
    double scale = 1;
    double most = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double a = expected.data()[i];
        const double b = found->data()[i];
        if (std::isnan(a) && std::isnan(b)) continue;
        if (std::isfinite(a)) scale = std::max(scale, std::abs(a));
        most = std::max(most, a == b ? 0.0 : std::isnan(a - b) ? INFINITY : std::abs(a - b));
    }
    return most / scale;
}

/// The recording of a tape, written down and read again.
Replay replay_of(Tape<double>& tape, const Var<double>& loss, Transcript transcript = {}) {
    transcript.lines = tapeloop::detail::transcribed(tape);
    transcript.loss = loss.index();
    return Replay(Transcript::read(transcript.text()));
}

/// Runs a recording again; returns the operation at which values or cotangents first differ from the tape's.
std::string first_difference(Tape<double>& tape, const Var<double>& loss, Replay& replay) {
    const Gradients<double> gradients = gradient(loss, every_node(tape));
    replay.run();
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        const std::uint32_t results = tape.node(node).results;
        if (results != 0 && results != tapeloop::detail::result_mark) continue;
        const Var<double> var = tape.var(node);
        const double value = deviation_of(var.value(), replay.value(node));
        const double cotangent = deviation_of(gradients[var], replay.cotangent(node));
        if (value > tolerance || cotangent > tolerance)
            return fmt::format("{}: value {}, cotangent {}", tape.describe(node), value, cotangent);
    }
    return "";
}

/// A recurrent network with a loss of classes, an extra leaf that is detached, and what its page would show.
template <class Cell>
struct Network {
    nn::Generator generator{3};
    Cell cell{3, 4, generator};
    Tape<double> tape{{.fuse = false}};
    Var<double> losses;
    Var<double> loss;
    States<double> states;

    explicit Network(double factor) {
        cell.W.assign(factor * cell.W.value());
        const Var<double> x = input(Random(5).tensor({6, 2, 3})).named("x");
        const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
        const nn::Targets targets{{0, 1}, {2, 3}, {1, 1}, {0, 2}, {3, 3}, {2, 0}};
        losses = sum(nn::softmax_cross_entropy(run.outputs, targets, {.reduction = nn::Reduction::none}), 1);
        loss = sum(losses) + 0.5 * sum(square(run.outputs - detach(run.outputs) + 1));
        states = nn::states(run.trace);
    }

    static std::vector<std::string> gates() {
        if constexpr (requires { Cell::gate_names(); }) {
            const auto names = Cell::gate_names();
            return {names.begin(), names.end()};
        }
        return {};
    }

    Replay replay() {
        Transcript wanted{.ledgers = {*tape.find(cell.W.storage().get())}, .losses = {losses.index()}};
        wanted.gates = gates();
        for (const auto& state : states) {
            wanted.states.emplace_back();
            for (const Var<double>& part : state) wanted.states.back().push_back(part.index());
        }
        return replay_of(tape, loss, wanted);
    }
};

/// Plays a network with another W, and compares all that a page shows with the network that has it.
template <class Cell>
void play_with(double factor) {
    Network<Cell> recorded(1);
    Replay replay = recorded.replay();
    { CHECK(first_difference(recorded.tape, recorded.loss, replay) == ""); }
    const NodeIndex W = *recorded.tape.find(recorded.cell.W.storage().get());
    for (double& element : replay.elements(W)) element *= factor;

    Network<Cell> expected(factor);
    CHECK(first_difference(expected.tape, expected.loss, replay) == "");
    const auto& figures = replay.figures();
    const GradientLedger ledger = gradient_ledger(expected.losses, expected.cell.W);
    CHECK(deviation_of(ledger.norms, &figures.ledgers.at(0).norms) < tolerance);
    CHECK(deviation_of(ledger.shares, &figures.ledgers.at(0).shares) < tolerance);
    const JacobianSpectrum spectrum = jacobian_lens(expected.states).spectrum();
    REQUIRE(figures.spectrum->steps.size() == spectrum.steps.size());
    for (std::size_t t = 0; t < spectrum.steps.size(); ++t)
        for (std::size_t k = 0; k < spectrum.steps[t].singular_values.size(); ++k)
            CHECK(figures.spectrum->steps[t].singular_values[k] ==
                  doctest::Approx(spectrum.steps[t].singular_values[k]).epsilon(tolerance));
    CHECK(figures.norms.size() >= 3);
    CHECK(figures.norms.front().by_step.size() == 6);
    const auto saturation = gate_saturation(expected.tape, Network<Cell>::gates());
    REQUIRE(figures.saturation.size() == saturation.size());
    for (std::size_t k = 0; k < saturation.size(); ++k)
        CHECK(figures.saturation[k].means.at(5) ==
              doctest::Approx(saturation[k].means.at(5)).epsilon(tolerance));
}

/// Records a row with a loss that weighs all results at random.
Var<double> record_row(const Row& row, std::size_t sample) {
    Vars<double> x;
    for (const Tensor<double>& argument : arguments_of(row, sample)) x.push_back(input(argument));
    Var<double> loss = input(Tensor<double>(0.0));
    std::uint64_t seed = 7;
    for (const Var<double>& result : row.call(x))
        loss = loss + sum(result * input(Random(++seed).tensor(result.shape())));
    return loss;
}

}  // namespace

TEST_CASE("playground: every operation that says its counterpart in ONNX is computed again to 1e-12") {
    std::size_t replayed = 0;
    for (const Row& row : all_rows())
        for (std::size_t sample = 0; sample < row.samples.size(); ++sample) {
            Tape<double> tape({.fuse = false});
            const Var<double> loss = record_row(row, sample);
            try {
                Replay replay = replay_of(tape, loss);
                CHECK_MESSAGE(first_difference(tape, loss, replay) == "", row.text(), ", sample ", sample);
                ++replayed;
            } catch (const std::invalid_argument& error) {
                const std::string text = error.what();
                if (row.name == "custom") continue;  // a user's, of which those with one are tested elsewhere
                const auto is_said = [&](const auto& one) {
                    return text.find(one.first) != std::string::npos;
                };
                CHECK_MESSAGE(std::any_of(without_counterpart.begin(), without_counterpart.end(), is_said),
                              row.text(), ": ", text);
            }
        }
    CHECK(replayed > 300);
}

TEST_CASE("playground: recurrent networks with another W") {
    play_with<nn::ElmanCell<double>>(1.5);
    play_with<nn::LstmCell<double>>(1.5);
    play_with<nn::GruCell<double>>(1.5);
}

TEST_CASE("playground: losses are computed again, with targets that do not count and weights") {
    Tape<double> tape({.fuse = false});
    const Var<double> scores = input(Random(1).tensor({3, 4}));
    const Var<double> targets = input(Random(2).tensor({3, 4}));
    Var<double> loss = nn::softmax_cross_entropy(scores, nn::Targets{1, 0, 3}, {.ignore = 0});
    loss = loss + nn::sigmoid_cross_entropy(scores, 0.5 * targets + 0.5);
    loss = loss + nn::sigmoid_cross_entropy(scores, Tensor<double>(xt::ones<double>({3, 4})),
                                            {.positive_weights = {2}});
    loss = loss + nn::mean_squared_error(scores, targets) + nn::mean_absolute_error(scores, targets);
    loss = loss + nn::huber(scores, targets, {.delta = 0.4});
    Replay replay = replay_of(tape, loss);
    CHECK(first_difference(tape, loss, replay) == "");
}

TEST_CASE("playground: what cannot be run again is refused by name") {
    const auto said = [](const auto& perform) -> std::string {
        try {
            perform();
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "nothing";
    };
    Tape<double> tape;
    const Var<double> x = input(Random(1).tensor({2, 3}));
    const auto cube = custom(
        "cube", [](const auto& a) { return a * a * a; },
        [](const auto& g, const auto&, const auto& a) { return 3 * g * a * a; });
    sum(cube(x));
    const std::string text = said([&] { tapeloop::detail::transcribed(tape); });
    CHECK(text.find("cube (replay_test.cpp:") != std::string::npos);
    CHECK(text.find("says no counterpart in ONNX") != std::string::npos);

    Tape<double> known;
    const Var<double> y = sum(tanh(input(Random(1).tensor({2, 3}))));
    Replay replay = replay_of(known, y);
    CHECK(said([&] { replay.elements(1); }) ==
          "playground: node 1 is computed; parameters and inputs can be changed");
    CHECK(said([&] { replay.elements(9); }) == "playground: there is no node 9 with a value");
    CHECK(said([] { Transcript::read("a poem"); }) == "transcript: \"a poem\" cannot be read");
    CHECK(said([] { Transcript::read("tapeloop transcript 1\n0 Tanh <1"); }) ==
          "transcript: \"0 Tanh <1\" cannot be read");
    CHECK(said([] {
              Replay nobody(Transcript::read("tapeloop transcript 1\nloss 1\n0 input [1 #1\n1 Poem <0"));
              nobody.run();
          }) == "playground: Poem is no operator that the playground knows");
}
