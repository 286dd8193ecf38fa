// What the gates of an LSTM do over a sentence: agreement of subject and verb across a clause.
//
// In "the cats that the dog sees sleep" the last verb agrees with "cats", not with "dog", the noun next to
// it. A network that tells the next word has to carry the number of the subject over the clause; an LSTM can
// keep it in a unit whose forget gate stays open, while other units follow the words of the clause. After
// training the gates of one sentence are read from the tape, where they are nodes like all others.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "table.hpp"
#include "training.hpp"
#include "words.hpp"

#include <autograd/autograd.hpp>
#include <autograd/study/study.hpp>
#include <nn/nn.hpp>

#include <fmt/format.h>
#include <xtensor/xview.hpp>

#include <algorithm>
#include <array>

using namespace tapeloop;
using namespace lab;

namespace {

const Words nouns{"cat", "dog", "bird", "child"};
const Words nouns_plural{"cats", "dogs", "birds", "children"};
const Words verbs{"sleeps", "runs", "sings"};
const Words verbs_plural{"sleep", "run", "sing"};
const Words sees{"sees", "likes"};
const Words sees_plural{"see", "like"};
constexpr std::size_t units = 16;

struct Sentence {
    Words words;       ///< the verb last
    bool plural;       ///< of the subject
    bool last_plural;  ///< of the noun nearest to the verb
};

const std::string& pick(const Words& from, nn::Generator& generator) {
    return from[generator.below(from.size())];
}

/// One to three nouns deep: the cat (that the dogs see (that the bird likes)) sleeps.
Sentence draw_sentence(nn::Generator& generator) {
    Sentence sentence{{"the"}, generator.below(2) == 1, false};
    sentence.words.push_back(pick(sentence.plural ? nouns_plural : nouns, generator));
    sentence.last_plural = sentence.plural;
    for (std::size_t clauses = generator.below(3); clauses > 0; --clauses) {
        sentence.last_plural = generator.below(2) == 1;
        sentence.words.insert(sentence.words.end(), {"that", "the"});
        sentence.words.push_back(pick(sentence.last_plural ? nouns_plural : nouns, generator));
        sentence.words.push_back(pick(sentence.last_plural ? sees_plural : sees, generator));
    }
    sentence.words.push_back(pick(sentence.plural ? verbs_plural : verbs, generator));
    return sentence;
}

Vocabulary all_words() {
    Vocabulary vocabulary(special_words());
    for (const Words& list :
         {Words{"the", "that"}, nouns, nouns_plural, verbs, verbs_plural, sees, sees_plural})
        vocabulary.add(list);
    return vocabulary;
}

struct Model {
    nn::Embedding<float> embedding;
    nn::LstmCell<float> cell;
    nn::Linear<float> output;

    Model(std::size_t words, nn::Generator& generator)
        : embedding(words, units, generator),
          cell(units, units, generator),
          output(units, words, generator) {}

    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("embedding", embedding.parameters());
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
    /// Returns the logits of the next word after each, [T, B, words].
    Var<float> logits(const nn::Targets& tokens) const {
        return output(nn::unroll(cell, embedding(tokens)).outputs);
    }
};

/// The words but the last, and at each place the next one; what is behind the end is not counted.
std::pair<nn::Targets, nn::Targets> inputs_and_targets(const Padded& rows) {
    const std::size_t steps = rows.tokens.shape()[0] - 1;
    return {xt::view(rows.tokens, xt::range(0, steps)), xt::view(rows.tokens, xt::range(1, steps + 1))};
}

Padded draw_batch(std::size_t count, const Vocabulary& vocabulary, nn::Generator& generator) {
    std::vector<Tokens> rows;
    for (std::size_t i = 0; i < count; ++i) rows.push_back(vocabulary.tokens(draw_sentence(generator).words));
    return padded(rows);
}

/// Returns how likely the model takes a verb of the other number than the subject's to be, among all last
/// verbs.
double wrong_number(const Model& model, const Sentence& sentence, const Vocabulary& vocabulary) {
    const Tape<float> tape;
    Tokens tokens = vocabulary.tokens(sentence.words);
    tokens.pop_back();
    nn::Targets row = nn::Targets::from_shape({tokens.size(), 1});
    std::ranges::copy(tokens, row.begin());
    const Tensor<float> share = softmax(model.logits(row), 2).value();
    const auto mass = [&](const Words& list) {
        double sum = 0;
        for (const std::string& word : list)
            sum += static_cast<double>(
                share(tokens.size() - 1, 0, static_cast<std::size_t>(vocabulary.token(word))));
        return sum;
    };
    const double singular = mass(verbs);
    const double plural = mass(verbs_plural);
    return (sentence.plural ? singular : plural) / (singular + plural);
}

/// The gates of each unit at each word: of a step's sigmoids the first is the input gate, then forget,
/// output.
std::array<HeatMap, 3> gates_over(const Model& model, const Words& words, const Vocabulary& vocabulary) {
    Tape<float> tape({.fuse = false});
    nn::Targets row = nn::Targets::from_shape({words.size(), 1});
    std::ranges::copy(vocabulary.tokens(words), row.begin());
    nn::unroll(model.cell, model.embedding(row));

    std::array<HeatMap, 3> maps{HeatMap{"input gate", "", "unit", words, {}, {}},
                                HeatMap{"forget gate", "", "unit", words, {}, {}},
                                HeatMap{"output gate", "", "unit", words, {}, {}}};
    for (HeatMap& map : maps)
        for (std::size_t unit = 0; unit < units; ++unit) {
            map.rows.push_back(fmt::format("{}", unit));
            map.values.emplace_back();
        }
    const Graph graph = read_graph(tape, {.values = true});
    std::size_t seen = 0;
    for (const GraphNode& node : graph) {
        if (node.operation != "sigmoid") continue;
        HeatMap& map = maps[seen++ % maps.size()];
        for (std::size_t unit = 0; unit < units; ++unit) map.values[unit].push_back(node.value->data()[unit]);
    }
    return maps;
}

/// The unit that forgets least from the subject to the verb.
std::size_t keeping_unit(const HeatMap& forget) {
    const auto kept = [](const std::vector<double>& gates) {
        double product = 1;
        for (std::size_t t = 2; t < gates.size(); ++t) product *= gates[t];
        return product;
    };
    const auto best = std::ranges::max_element(forget.values, {}, kept);
    return static_cast<std::size_t>(best - forget.values.begin());
}

int perform(const Options& options) {
    nn::Generator generator(options.seed);
    const Vocabulary vocabulary = all_words();
    Model model(vocabulary.size(), generator);
    const Losses losses = train(model.parameters(), {.steps = options.steps(1500, 40)}, [&] {
        const auto [inputs, targets] = inputs_and_targets(draw_batch(32, vocabulary, generator));
        return nn::softmax_cross_entropy(model.logits(inputs), targets,
                                         {.reduction = nn::Reduction::mean, .ignore = padding_token});
    });

    constexpr std::size_t count = 300;
    double nearest = 0;
    double wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Sentence sentence = draw_sentence(generator);
        nearest += (sentence.plural != sentence.last_plural) / static_cast<double>(count);
        wrong += wrong_number(model, sentence, vocabulary) / static_cast<double>(count);
    }
    fmt::print("The verb at the end of {} new sentences, in the wrong number:\n\n{}\n", count,
               table({"", "wrong"}, {{"as the nearest noun", percent(nearest)}, {"LSTM", percent(wrong)}}));

    const Words sentence = words_of("the cats that the dog sees");
    const auto maps = gates_over(model, sentence, vocabulary);
    const std::size_t unit = keeping_unit(maps[1]);
    std::vector<std::vector<std::string>> rows(sentence.size());
    for (std::size_t t = 0; t < sentence.size(); ++t) {
        rows[t] = {sentence[t]};
        for (const HeatMap& map : maps) rows[t].push_back(fmt::format("{:.2f}", map.values[unit][t]));
    }
    fmt::print("The gates of unit {}, which forgets least:\n\n{}\n", unit,
               table({"", "input", "forget", "output"}, rows));
    save({{maps[0], maps[1], maps[2]}, 3, 440, 460}, options.output / "gates.svg");

    Claims claims(options.quick);
    claims.improves("the LSTM", losses);
    claims.beats("the LSTM", wrong, "the nearest noun", nearest);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_gates", "Shows the gates of an LSTM over a sentence.", perform);
}
