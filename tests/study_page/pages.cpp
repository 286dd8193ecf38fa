// Writes the pages that browser_test.py opens into the folder given, and beside them what it has to find
// there: numbers from the tape and its gradients, which the page gets another way.
#include "pages.hpp"
#include "plain_loops.hpp"

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/explain/answer.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
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

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace {

using namespace tapeloop;
using nlohmann::json;
using study_page::norm;

Tensor<double> random_tensor(const Shape& shape, nn::Generator& generator) {
    Tensor<double> x = tapeloop::detail::uninitialised<double>(shape);
    for (double& element : x) element = generator.uniform(-1, 1);
    return x;
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
    json facts{
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
    facts["output"]["contributions"] =
        study_page::contributions(tape, gradients, study_page::products_with(tape, cell.W)[3]);
    if (time_steps < 10) facts["ledger"] = study_page::ledger(tape, losses, cell.W);
    return facts;
}

/// What `explain` says of a node, as the page has to show it.
json answer_of(const Var<double>& J, const Wrt<double>& of, NodeIndex node) {
    const Explanation explanation = explain(J, of);
    json rows = json::array();
    for (const auto& row : tapeloop::detail::answer_rows(explanation))
        rows.push_back(
            {{"text", row.text},
             {"decades",
              row.decades.has_value() && std::isfinite(*row.decades) ? json(*row.decades) : json()},
             {"node", row.node.has_value() ? json(*row.node) : json()}});
    json path = json::array();
    for (const PathStep& step : explanation.path) path.push_back(step.node);
    path.push_back(node);
    json times = json::array();
    for (const json& one : path) {
        const std::optional<std::size_t> time = J.tape().time_step(one.get<NodeIndex>());
        times.push_back(time.has_value() ? json(*time) : json());
    }
    return {{"node", node},
            {"sentence", tapeloop::detail::sentence_of(explanation)},
            {"rows", std::move(rows)},
            {"path", std::move(path)},
            {"times", std::move(times)}};
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
    json gates;
    for (const auto& [name, place] :
         {std::pair("input", 0), std::pair("forget", 1), std::pair("output", 2)}) {
        std::vector<NodeIndex> nodes;
        for (std::size_t t = 0; t < run.trace.size(); ++t)
            nodes.push_back(find_nodes(tape, "sigmoid", t).at(static_cast<std::size_t>(place)));
        gates[name] = study_page::saturation(tape, nodes);
    }
    return {{"path", path.string()},
            {"answers", std::move(answers)},
            {"gates", std::move(gates)},
            {"ledger", study_page::ledger(tape, losses, cell.W)}};
}

/// What the library itself computes of a network whose W is scaled, node by node; and its page with a
/// playground, if a path is given.
template <class Cell>
json play(std::size_t time_steps, std::size_t hidden, double factor, const std::filesystem::path& path = {}) {
    nn::Generator generator(12);
    Cell cell(3, hidden, generator);
    const nn::Linear<double> linear(hidden, 2, generator);
    const Tensor<double> inputs = random_tensor({time_steps, 1, 3}, generator);
    const Tensor<double> targets = random_tensor({time_steps, 1, 2}, generator);
    cell.W.assign(factor * cell.W.value());
    Tape<double> tape({.fuse = false});
    const auto run = nn::unroll(cell, input(inputs).named("x"), {.hoist = false, .trace = true});
    const Var<double> losses = sum(square(linear(run.outputs) - targets), {1, 2}) / time_steps;
    const Var<double> J = sum(losses).named("J");
    const Gradients<double> gradients = gradient(J, every_node(tape));
    StudyOptions options{.title = "A network to play with"};
    if constexpr (requires { Cell::gate_names(); }) {
        const auto names = Cell::gate_names();
        options.gates = {names.begin(), names.end()};
    }
    options.ledgers.push_back(gradient_ledger(losses, cell.W));
    options.spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    options.playground = Playground(losses, nn::states(run.trace));
    if (!path.empty()) write_study(tape, gradients, path, options);

    json nodes = json::array();
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        const std::uint32_t results = tape.node(node).results;
        const bool has_value = results == 0 || results == tapeloop::detail::result_mark;
        if (has_value) nodes.push_back(facts_of(tape, gradients, node));
    }
    const GradientLedger& ledger = options.ledgers.front();
    json singular_values = json::array();
    for (const StepSpectrum& step : options.spectrum->steps) singular_values.push_back(step.singular_values);
    return {{"nodes", std::move(nodes)},
            {"J", J.item()},
            {"norms", std::vector<double>(ledger.norms.begin(), ledger.norms.end())},
            {"shares", std::vector<double>(ledger.shares.begin(), ledger.shares.end())},
            {"singular_values", std::move(singular_values)},
            {"exponents", options.spectrum->exponents}};
}

/// A page with a playground, what it shows, and what it has to show when W is three times as large.
template <class Cell>
json write_playground(const std::filesystem::path& path, std::size_t time_steps, std::size_t hidden) {
    json recorded = play<Cell>(time_steps, hidden, 1, path);
    return {{"path", path.string()},
            {"recorded", std::move(recorded)},
            {"grown", play<Cell>(time_steps, hidden, 3)}};
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

/// A Hessian-vector product: the sweep that gives the gradient is recorded, and so is that of its product
/// with a vector.
json write_hessian(const std::filesystem::path& path) {
    nn::Generator generator(6);
    const Parameter<double> W("W", random_tensor({3, 3}, generator));
    const Tensor<double> v = random_tensor({3, 3}, generator);
    Tape<double> tape({.fuse = false});
    Var<double> h = input(random_tensor({2, 3}, generator));
    {
        const LabelScope<double> encoder("encoder");
        for (std::size_t t = 0; t < 4; ++t) {
            const LabelScope<double> step(t);
            h = tanh(matmul(h, W));
        }
    }
    const Var<double> gv = sum(gradient_graph(sum(h * h), {W})[W] * v).named("g v");
    const Var<double> length = sum(square(gradient_graph(gv, {W})[W])).named("|H v|²");
    write_study(tape, gradient(length, every_node(tape)), path, {.title = "A Hessian-vector product"});
    return {{"path", path.string()}, {"J_id", length.index()}, {"nodes", tape.size()}};
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
                     {"playground", write_playground<nn::LstmCell<double>>(folder / "playground.html", 6, 4)},
                     {"playground_elman",
                      write_playground<nn::ElmanCell<double>>(folder / "playground_elman.html", 12, 4)},
                     {"playground_large",
                      write_playground<nn::LstmCell<double>>(folder / "playground_large.html", 50, 16)},
                     {"attention", write_attention(folder / "attention.html")},
                     {"dead", write_dead(folder / "dead.html")},
                     {"shut", write_shut(folder / "shut.html")},
                     {"cells", study_page::write_comparisons(folder)},
                     {"clipping", study_page::write_clipping(folder / "clipping.html")},
                     {"film", study_page::write_film(folder / "film.html")},
                     {"growing", study_page::write_growing(folder / "growing.html")},
                     {"long", write_lstm(folder / "lstm_200.html", 200, 2, 6)},
                     {"thousands", write_lstm(folder / "lstm_thousands.html", 230, 2, 6)},
                     {"larger", write_lstm(folder / "lstm_larger.html", 12, 16, 64)},
                     {"chain", write_unlabelled(folder / "chain.html", 5000)},
                     {"small", write_unlabelled(folder / "small.html", 4)},
                     {"translator", write_translator(folder / "translator.html")},
                     {"twice", write_twice(folder / "twice.html")},
                     {"hessian", write_hessian(folder / "hessian.html")},
                     {"skips", write_skips(folder / "skips.html")},
                     {"leaves", write_leaves(folder / "leaves.html")},
                     {"korean", write_leaves(folder / "korean.html", "ko")},
                     {"few", write_few_gradients(folder / "few.html")},
                     {"trouble", write_trouble(folder / "trouble.html")}};
    std::ofstream(folder / "facts.json") << facts.dump(1);
}
