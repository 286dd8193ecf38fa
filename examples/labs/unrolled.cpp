// An Elman network on a sentence, before and after unrolling: the graph that a tape has recorded, as text, as
// pictures of both views, and as a page to click through and to play with.
//
// The network reads "the cat sat down" and tells the next word at each step. Unrolled it has no loop: four
// copies of the cell in a row, which share U, W and b. That is why their gradients are sums over time, and
// why nothing but the chain rule is needed to get them.
#include "../program/output_file.hpp"
#include "claims.hpp"
#include "command_line.hpp"
#include "graph_picture.hpp"
#include "words.hpp"

#include <autograd/autograd.hpp>
#include <autograd/study/page/write_study.hpp>
#include <autograd/study/study.hpp>
#include <nn/nn.hpp>

#include <fmt/format.h>

using namespace tapeloop;
using namespace lab;

namespace {

int perform(const Options& options) {
    const Words sentence = words_of("the cat sat down");
    Vocabulary vocabulary(sentence);
    vocabulary.add({"."});
    const std::size_t steps = sentence.size();
    const std::size_t words = vocabulary.size();

    nn::Generator generator(options.seed);
    nn::ElmanCell<double> cell(words, 3, generator);
    nn::Linear<double> output(3, words, generator);

    // Operation by operation, each step with an input product of its own: the graph of the textbook.
    Tape<double> tape({.fuse = false});
    const Tensor<double> x =
        one_hot<double>(Indices(vocabulary.tokens(sentence)).reshaped({steps, 1}), words);
    const auto unrolled = nn::unroll(cell, input(x).named("x"), {.hoist = false, .trace = true});
    for (std::size_t t = 0; t < steps; ++t) unrolled.trace[t].named(fmt::format("h({})", sentence[t]));
    Words next(sentence.begin() + 1, sentence.end());
    next.emplace_back(".");
    nn::Targets targets = nn::Targets::from_shape({steps, 1});
    std::ranges::copy(vocabulary.tokens(next), targets.begin());
    const Var<double> J = nn::softmax_cross_entropy(output(unrolled.outputs), targets).named("J");
    const Gradients<double> gradients = gradient(J, every_node(tape));

    const Graph graph = read_graph(tape, gradients, {.values = true});
    fmt::print("\"{}\": {} nodes, with the ranges of their values and of dJ/d(value).\n\n{}\n",
               sentence_of(sentence), graph.size(), to_text(graph));
    fmt::print("The same folded: one step, and what it takes from the one before.\n\n{}\n",
               to_text(fold(graph)));
    save_graph(to_dot(graph), options.output / "unrolled.svg");
    save_graph(to_dot(fold(graph)), options.output / "folded.svg");
    const program::OutputFile page("--output", options.output / "unrolled.html", {}, 4 << 20);
    page.write([&](const std::filesystem::path& place) {
        write_study(tape, gradients, place,
                    {.title = "An Elman network reads: " + sentence_of(sentence),
                     .steps = sentence,
                     .playground = Playground()});
    });
    fmt::print("Page: {}\n", page.path().string());

    Claims claims(options.quick);
    const FoldedGraph folded = fold(graph);
    claims.holds("the graph folds into one loop of as many steps as there are words",
                 folded.loops.size() == 1 && folded.loops.front().time_steps.size() == steps);
    const GradientLedger ledger = gradient_ledger(std::vector{J}, cell.W);
    claims.holds("the gradient of W is the sum of what each copy of the cell contributes",
                 ledger.uses.size() == steps && ledger.deviation < 1e-12);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_unrolled", "Shows the graph of an Elman network that reads four words.",
               perform);
}
