// Writes the pages that browser_test.py opens into the folder given, and beside them what it has to find
// there: numbers from the tape and its gradients, which the page gets another way.
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/explain/answer.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/page/comparison.hpp>
#include <autograd/study/page/write_study.hpp>
#include <autograd/tape.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/decoding/encoder_decoder.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/attention.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/losses.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/stack.hpp>
#include <optim/clip_by_norm.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

namespace {

using namespace tapeloop;
using nlohmann::json;

Tensor<double> random_tensor(const Shape& shape, nn::Generator& generator) {
    Tensor<double> x = tapeloop::detail::uninitialised<double>(shape);
    for (double& element : x) element = generator.uniform(-1, 1);
    return x;
}

double norm(const Tensor<double>& x) {
    double squares = 0;
    for (double element : x) squares += element * element;
    return std::sqrt(squares);
}

json facts_of(Tape<double>& tape, const Gradients<double>& gradients, NodeIndex node) {
    const Var<double> var = tape.var(node);
    const Tensor<double> value = var.value();
    const Tensor<double>& cotangent = gradients[var];
    return {{"id", node},
            {"label", tape.label(node)},
            {"op", tape.node(node).operation->name()},
            {"shape", std::vector<std::size_t>(value.shape().begin(), value.shape().end())},
            {"value", std::vector<double>(value.begin(), value.end())},
            {"cotangent", std::vector<double>(cotangent.begin(), cotangent.end())}};
}

/// The nodes of one operation at a time step, in their order.
std::vector<NodeIndex> find_nodes(const Tape<double>& tape, std::string_view operation,
                                  std::size_t time_step) {
    std::vector<NodeIndex> found;
    for (NodeIndex node = 0; node < tape.size(); ++node)
        if (tape.node(node).operation->name() == operation && tape.time_step(node) == time_step)
            found.push_back(node);
    return found;
}

/// An LSTM over a random sequence with a linear layer and a loss on top, and the page of it.
json write_lstm(const std::filesystem::path& path, std::size_t time_steps, std::size_t batch,
                std::size_t hidden, const std::vector<std::string>& titles = {}) {
    nn::Generator generator(11);
    nn::LstmCell<double> cell(5, hidden, generator);
    nn::Linear<double> linear(hidden, 4, generator);
    Tape<double> tape({.fuse = false});
    const Var<double> x = input(random_tensor({time_steps, batch, 5}, generator)).named("x");
    const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
    const Tensor<double> targets = random_tensor({time_steps, batch, 4}, generator);
    const Var<double> losses = sum(square(linear(run.outputs) - targets), {1, 2}) / time_steps;
    const Var<double> J = sum(losses).named("J");
    const Gradients<double> gradients = gradient(J, every_node(tape));

    const auto names = nn::LstmCell<double>::gate_names();
    StudyOptions options{.title = fmt::format("LSTM, {} time steps", time_steps),
                         .gates = {names.begin(), names.end()},
                         .steps = titles};
    options.ledgers.push_back(gradient_ledger(losses, cell.W));
    options.spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    write_study(tape, gradients, path, options);

    // The second sigmoid of a step is the forget gate; the last product is the output, which the next step
    // and the loss both use.
    return {
        {"path", path.string()},
        {"nodes", tape.size()},
        {"time_steps", time_steps},
        {"J", J.item()},
        {"J_id", J.index()},
        {"largest_pair", *std::max_element(options.ledgers[0].norms.begin(), options.ledgers[0].norms.end())},
        {"W", facts_of(tape, gradients, *tape.find(cell.W.storage().get()))},
        {"ledger_total", norm(options.ledgers[0].gradient)},
        {"flow", std::string(name_of(options.spectrum->flow))},
        {"forget", facts_of(tape, gradients, find_nodes(tape, "sigmoid", 2).at(1))},
        {"output", facts_of(tape, gradients, find_nodes(tape, "multiply", 2).back())}};
}

/// What `explain` says of a node, as the page has to show it.
json answer_of(const Var<double>& J, const Wrt<double>& of, NodeIndex node) {
    const Explanation explanation = explain(J, of);
    json rows = json::array();
    for (const auto& row : tapeloop::detail::answer_rows(explanation)) rows.push_back(row.text);
    json path = json::array();
    for (const PathStep& step : explanation.path) path.push_back(step.node);
    path.push_back(node);
    return {{"node", node},
            {"sentence", tapeloop::detail::sentence_of(explanation)},
            {"rows", std::move(rows)},
            {"path", std::move(path)}};
}

/// An LSTM whose forget gate is shut at one step, and whose loss reads the end alone.
json write_shut(const std::filesystem::path& path) {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(1, 4, generator, {.forget_bias = 6});
    nn::gate_block(cell.U, cell.gate_names(), "forget").assign(-30.0);
    Tensor<double> x = 0.1 * nn::normal<double>({8, 2, 1}, 0, 1, generator);
    x(4, 0, 0) = x(4, 1, 0) = 1;
    Tape<double> tape({.fuse = false});
    const auto run = nn::unroll(cell, input(x).named("x"), {.hoist = false, .trace = true});
    const Var<double> losses =
        sum(square(run.outputs), {1, 2}) * input(Tensor<double>{0, 0, 0, 0, 0, 0, 0, 1});
    const Var<double> J = sum(losses).named("J");
    const auto names = nn::LstmCell<double>::gate_names();
    StudyOptions options{.title = "A forget gate shuts", .gates = {names.begin(), names.end()}};
    options.ledgers.push_back(gradient_ledger(losses, cell.W));
    write_study(tape, gradient(J, every_node(tape)), path, options);

    json answers;
    const WrtList<double> parameters(cell.parameters());
    for (const Wrt<double>& of : parameters.list())
        answers[of.parameter()->name] = answer_of(J, of, *tape.find(of.parameter()));
    for (std::size_t t = 0; t < run.trace.size(); ++t) {
        const Var<double>& h = run.trace[t][0];
        answers[fmt::format("state at {}", t)] = answer_of(J, h, h.index());
    }
    return {{"path", path.string()}, {"answers", std::move(answers)}};
}

/// The study of a recurrent network that remembers its first input, with a ledger and a spectrum.
template <class Cell>
Study study_of(const Cell& cell, const Parameter<double>& W, const std::string& title, json& facts) {
    nn::Generator generator(21);
    Tape<double> tape({.fuse = false});
    const Var<double> x = input(nn::normal<double>({10, 2, 2}, 0, 1, generator)).named("x");
    const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
    const Var<double> losses =
        sum(square(run.outputs), {1, 2}) * input(Tensor<double>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    const Var<double> J = sum(losses).named("J");
    const Gradients<double> gradients = gradient(J, every_node(tape));
    facts = {{"J", J.item()}, {"W", norm(gradients[W])}};
    StudyOptions options{.title = title};
    options.ledgers.push_back(gradient_ledger(losses, W));
    options.spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    return Study(tape, gradients, options);
}

/// Elman and LSTM; and one network before a training and after it.
json write_comparisons(const std::filesystem::path& folder) {
    nn::Generator generator(4);
    nn::ElmanCell<double> elman(2, 4, generator);
    elman.W.assign(0.5 * elman.W.value());
    const nn::LstmCell<double> lstm(2, 4, generator, {.forget_bias = 4});
    json of_elman;
    json of_lstm;
    json of_trained;
    const Study first = study_of(elman, elman.W, "An Elman network", of_elman);
    const Study second = study_of(lstm, lstm.W, "An LSTM", of_lstm);
    write_comparison(first, "Elman", second, "LSTM", folder / "cells.html");
    elman.W.assign(2.5 * elman.W.value());
    const Study trained = study_of(elman, elman.W, "An Elman network, later", of_trained);
    write_comparison(first, "before", trained, "after", folder / "training.html");
    return {{"path", (folder / "cells.html").string()},
            {"training", (folder / "training.html").string()},
            {"Elman", std::move(of_elman)},
            {"LSTM", std::move(of_lstm)},
            {"trained", std::move(of_trained)}};
}

/// A network whose gradients explode, after ten steps of the same training with clipping and without.
json write_clipping(const std::filesystem::path& path) {
    const auto trained = [](double max_norm, double& largest, const std::string& title, json& facts) {
        nn::Generator generator(4);
        nn::ElmanCell<double> cell(2, 4, generator);
        cell.W.assign(3.0 * cell.W.value());
        const Tensor<double> x = nn::normal<double>({10, 2, 2}, 0, 1, generator);
        for (std::size_t step = 0; step < 10; ++step) {
            Tape<double> tape;
            const Var<double> J = sum(square(nn::unroll(cell, x).state - 0.5));
            Gradients<double> gradients = gradient(J, WrtList<double>(cell.parameters()));
            largest = std::max(largest, optim::clip_by_norm(gradients, max_norm));
            for (Parameter<double>* parameter : {&cell.U, &cell.W, &cell.b})
                parameter->assign(parameter->value() - 0.5 * gradients[*parameter]);
        }
        return study_of(cell, cell.W, title, facts);
    };
    json of_unclipped;
    json of_clipped;
    double largest = 0;
    double ignored = 0;
    const double none = std::numeric_limits<double>::infinity();
    const Study unclipped = trained(none, largest, "Trained without clipping", of_unclipped);
    const Study clipped = trained(0.1, ignored, "Trained with clipping", of_clipped);
    write_comparison(unclipped, "unclipped", clipped, "clipped", path);
    return {{"path", path.string()},
            {"unclipped", std::move(of_unclipped)},
            {"clipped", std::move(of_clipped)},
            {"largest_norm", largest}};
}

/// A training recorded as a film.
json write_film(const std::filesystem::path& path) {
    nn::Generator generator(4);
    nn::LstmCell<double> cell(2, 4, generator);
    const Tensor<double> x = nn::normal<double>({6, 3, 2}, 0, 1, generator);
    const auto names = nn::LstmCell<double>::gate_names();
    StudyRecorder film({.every = 5, .gates = {names.begin(), names.end()}});
    json losses = json::array();
    for (std::size_t step = 0; step <= 40; ++step) {
        Tape<double> tape({.fuse = false});
        const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
        const Var<double> J = mean(square(run.state[0] - 0.5));
        const Gradients<double> gradients = gradient(J, every_node(tape));
        if (film.is_due(step)) {
            film.record(step, J, jacobian_lens(nn::states(run.trace)).spectrum());
            losses.push_back(J.item());
        }
        if (step == 40) write_study(tape, gradients, path, {.title = "A training", .film = film});
        for (Parameter<double>* parameter : {&cell.U, &cell.W, &cell.b})
            parameter->assign(parameter->value() - 2.0 * gradients[*parameter]);
    }
    return {{"path", path.string()}, {"losses", std::move(losses)}};
}

/// What one network does when its W grows.
json write_growing(const std::filesystem::path& path) {
    nn::Generator generator(5);
    nn::ElmanCell<double> cell(2, 4, generator);
    const Tensor<double> x = nn::normal<double>({12, 1, 2}, 0, 0.1, generator);
    const Tensor<double> W = cell.W.value();
    StudyRecorder film({.axis = "size of W in percent"});
    json exponents = json::array();
    for (std::size_t percent = 20; percent <= 200; percent += 20) {
        cell.W.assign(0.01 * static_cast<double>(percent) * W);
        Tape<double> tape({.fuse = false});
        const auto run = nn::unroll(cell, x, {.hoist = false, .trace = true});
        const Var<double> J = sum(square(run.state - 0.5));
        const JacobianSpectrum spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
        exponents.push_back(spectrum.exponents.front());
        film.record(percent, J, spectrum);
        if (percent == 200)
            write_study(tape, gradient(J, every_node(tape)), path, {.title = "W grows", .film = film});
    }
    return {{"path", path.string()}, {"exponents", std::move(exponents)}};
}

/// A decoder that looks at a source of four steps.
json write_attention(const std::filesystem::path& path) {
    nn::Generator generator(3);
    const nn::AttentionCell cell(nn::LstmCell<double>(5, 4, generator),
                                 nn::AdditiveAttention<double>(4, 2, 3, generator), 2);
    Tape<double> tape({.fuse = false});
    const Var<double> source = input(random_tensor({4, 2, 2}, generator)).named("source");
    const auto run =
        nn::unroll(cell, random_tensor({3, 2, 3}, generator), cell.attending(source), {.trace = true});
    const Var<double> J = sum(square(run.outputs)).named("J");
    write_study(tape, gradient(J, every_node(tape)), path);
    std::vector<std::vector<double>> weights;  // of the first row
    for (const auto& state : run.trace) {
        const Tensor<double> all = cell.weights(state).value();
        weights.emplace_back(all.begin(), all.begin() + 4);
    }
    return {{"path", path.string()}, {"weights", weights}};
}

/// Two layers of two directions each: four lanes.
json write_directions(const std::filesystem::path& path) {
    nn::Generator generator(3);
    nn::Stack<double> model;
    for (const auto& [name, width] : {std::pair("lower", std::size_t{3}), std::pair("upper", std::size_t{8})})
        model.add(name, nn::Bidirectional{nn::GruCell<double>(width, 4, generator),
                                          nn::GruCell<double>(width, 4, generator)});
    Tape<double> tape({.fuse = false});
    const Var<double> J = sum(square(nn::unroll(model, random_tensor({5, 2, 3}, generator)).outputs));
    const auto names = nn::GruCell<double>::gate_names();
    write_study(tape, gradient(J, every_node(tape)), path, {.gates = {names.begin(), names.end()}});
    return {{"path", path.string()}};
}

/// A network whose units are all dead: gradients of exactly 0 everywhere; and one gradient that is no number.
json write_dead(const std::filesystem::path& path) {
    nn::Generator generator(3);
    const Parameter<double> W("W", random_tensor({3, 3}, generator));
    const Parameter<double> V("V", Tensor<double>{std::nan("")});
    Tape<double> tape({.fuse = false});
    Var<double> h = input(random_tensor({2, 3}, generator));
    std::vector<Var<double>> losses;
    for (std::size_t t = 0; t < 4; ++t) {
        const LabelScope<double> step(t);
        h = relu(matmul(h, W) - 100.0);
        losses.push_back(sum(h * V));
    }
    const Var<double> J = sum(h);
    StudyOptions options;
    options.ledgers.push_back(gradient_ledger(std::vector<Var<double>>{sum(h)}, W));
    write_study(tape, gradient(J, every_node(tape)), path, options);
    return {{"path", path.string()}};
}

/// A stack of two loops, and values that are no numbers.
json write_trouble(const std::filesystem::path& path) {
    nn::Generator generator(3);
    nn::Stack<double> model;
    model.add("lower", nn::LstmCell<double>(3, 4, generator));
    model.add("upper </script><!--", nn::LstmCell<double>(4, 4, generator));
    Tape<double> tape({.fuse = false});
    Tensor<double> x = random_tensor({7, 2, 3}, generator);
    x(4, 1, 1) = std::nan("");
    const Var<double> J = sum(nn::unroll(model, x).outputs);
    const Gradients<double> gradients = gradient(J, every_node(tape));
    write_study(tape, gradients, path, {.title = "NaN & </script>"});
    return {{"path", path.string()}, {"J_id", J.index()}};
}

/// Two loops whose steps have the same numbers, one behind the other.
json write_translator(const std::filesystem::path& path) {
    nn::Generator generator(4);
    const nn::Encoder<nn::LstmCell<double>> encoder(nn::Embedding<double>(7, 3, generator),
                                                    nn::LstmCell<double>(3, 4, generator));
    const nn::Decoder<nn::LstmCell<double>> decoder(nn::Embedding<double>(6, 3, generator),
                                                    nn::LstmCell<double>(3, 4, generator),
                                                    nn::Linear<double>(4, 6, generator));
    const nn::Targets source{{1, 2}, {6, 0}, {3, 3}};
    const nn::Targets targets{{5, 1}, {0, 4}, {2, 3}};
    Tape<double> tape({.fuse = false});
    const auto read = encoder(source, {.hoist = false});
    const auto taught = decoder.teach(nn::shifted(targets, 0), read.state, {.hoist = false});
    const Var<double> J = nn::softmax_cross_entropy(taught.outputs, targets).named("J");
    write_study(tape, gradient(J, every_node(tape)), path, {.title = "Encoder and decoder"});
    return {{"path", path.string()}, {"J_id", J.index()}, {"handed_over", read.state[0].index()}};
}

/// Two loops whose steps have the same labels.
json write_twice(const std::filesystem::path& path) {
    nn::Generator generator(4);
    const nn::LstmCell<double> cell(3, 4, generator);
    Tape<double> tape({.fuse = false});
    const auto first = nn::unroll(cell, input(random_tensor({3, 2, 3}, generator)));
    const auto second = nn::unroll(cell, input(random_tensor({2, 2, 3}, generator)), first.state);
    const Var<double> J = sum(second.outputs);
    write_study(tape, gradient(J, every_node(tape)), path, {.title = "One cell, twice"});
    return {{"path", path.string()}};
}

/// A step that also takes the state from two steps before, of which one is detached; and gradients so small
/// that their squares are 0.
json write_skips(const std::filesystem::path& path) {
    nn::Generator generator(6);
    const Parameter<double> W("W", random_tensor({3, 3}, generator));
    Tape<double> tape({.fuse = false});
    std::vector<Var<double>> h{input(random_tensor({2, 3}, generator)),
                               input(random_tensor({2, 3}, generator))};
    NodeIndex detached = 0;
    for (std::size_t t = 0; t < 5; ++t) {
        const LabelScope<double> step(t);
        Var<double> from = h[t];
        if (t == 3) {
            from = detach(from);
            detached = from.index();
        }
        h.push_back(tanh(matmul(h[t + 1], W) + from));
    }
    const Var<double> J = sum(h.back() * h.back()) * 1e-200;
    write_study(tape, gradient(J, every_node(tape)), path);
    return {{"path", path.string()}, {"detached", detached}, {"source", h[3].index()}};
}

/// Writes what was given, and nothing computed from it.
json write_leaves(const std::filesystem::path& path, const std::string& language = {}) {
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>(2.0)).named("x");
    write_study(tape, gradient(x, every_node(tape)), path, {.language = language});
    return {{"path", path.string()}};
}

/// Gradients of two nodes alone, as a program has them that trains: of the other nodes no cotangent is known.
json write_few_gradients(const std::filesystem::path& path) {
    nn::Generator generator(8);
    nn::LstmCell<double> cell(3, 4, generator);
    Tape<double> tape({.fuse = false});
    const Var<double> y = nn::unroll(cell, random_tensor({3, 2, 3}, generator)).outputs;
    const Var<double> J = sum(y * y);
    write_study(tape, gradient(J, WrtList<double>(cell.parameters()).add(y).add(J)), path);
    return {{"path", path.string()}, {"J_id", J.index()}};
}

/// A chain without any label: nothing to fold, and too long to be laid out with care.
json write_unlabelled(const std::filesystem::path& path, std::size_t length) {
    nn::Generator generator(5);
    Tape<double> tape;
    Var<double> x = input(random_tensor({2, 3}, generator));
    for (std::size_t i = 0; i < length; ++i) x = i % 2 == 0 ? tanh(x) : x * 1.01;
    const Var<double> J = sum(x);
    write_study(tape, gradient(J, every_node(tape)), path);
    return {{"path", path.string()}, {"nodes", tape.size()}, {"J_id", J.index()}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 1;
    const std::filesystem::path folder = argv[1];
    const json facts{{"short", write_lstm(folder / "lstm_5.html", 5, 2, 6)},
                     {"tokens", write_lstm(folder / "tokens.html", 5, 2, 6, {"h", "i", " ", "\n", "é"})},
                     {"directions", write_directions(folder / "directions.html")},
                     {"attention", write_attention(folder / "attention.html")},
                     {"dead", write_dead(folder / "dead.html")},
                     {"shut", write_shut(folder / "shut.html")},
                     {"cells", write_comparisons(folder)},
                     {"clipping", write_clipping(folder / "clipping.html")},
                     {"film", write_film(folder / "film.html")},
                     {"growing", write_growing(folder / "growing.html")},
                     {"long", write_lstm(folder / "lstm_200.html", 200, 2, 6)},
                     {"thousands", write_lstm(folder / "lstm_thousands.html", 230, 2, 6)},
                     {"larger", write_lstm(folder / "lstm_larger.html", 12, 16, 64)},
                     {"chain", write_unlabelled(folder / "chain.html", 5000)},
                     {"small", write_unlabelled(folder / "small.html", 4)},
                     {"translator", write_translator(folder / "translator.html")},
                     {"twice", write_twice(folder / "twice.html")},
                     {"skips", write_skips(folder / "skips.html")},
                     {"leaves", write_leaves(folder / "leaves.html")},
                     {"korean", write_leaves(folder / "korean.html", "ko")},
                     {"few", write_few_gradients(folder / "few.html")},
                     {"trouble", write_trouble(folder / "trouble.html")}};
    std::ofstream(folder / "facts.json") << facts.dump(1);
}
