// Named entities: which words of a sentence belong to the name of a person? Many to many, aligned.
//
// "Teddy Roosevelt was a great president" and "Teddy bears are on sale" begin alike: whoever reads from left
// to right cannot know at "Teddy" what follows. A network that reads in both directions has, at every word,
// the whole sentence before it and behind it. Each word gets one sigmoid: the probability that it is part of
// a name.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "table.hpp"
#include "training.hpp"
#include "words.hpp"

#include <fmt/format.h>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/embedding.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/losses.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/stack.hpp>

#include <algorithm>
#include <map>

using namespace tapeloop;
using namespace lab;

namespace {

struct Tagged {
    Words words;
    std::vector<bool> in_name;

    void add(const Words& more, bool name) {
        words.insert(words.end(), more.begin(), more.end());
        in_name.insert(in_name.end(), more.size(), name);
    }
};

const Words openings{"he said", "she told us that", "today", "everybody knows that", "we heard that"};
const Words firsts{"Teddy", "Rose", "Grace", "Hope", "Frank", "Bill", "Brown", "Summer"};
const Words lasts{"Roosevelt", "Lincoln", "Miller", "Garcia", "Tanaka", "Jones"};
const Words things{"bears", "gardens", "letters", "songs", "toys", "cakes"};
const Words deeds{"was a great president", "came to town", "likes old books", "won a prize", "was on time"};
const Words events{"are on sale", "were a great surprise", "came to town", "won a prize", "are old"};

/// Returns whether a pair of words is kept for the test, together with whatever else a word of it is part of.
bool is_held_out(const std::string& first, const std::string& second) {
    return first == "Teddy" && (second == "Roosevelt" || second == "bears");
}

const std::string& pick(const Words& from, nn::Generator& generator) {
    return from[generator.below(from.size())];
}

/// A sentence about a person or about things, whose first word is one that can begin both.
Tagged draw_sentence(nn::Generator& generator) {
    Tagged sentence;
    sentence.add(words_of(pick(openings, generator)), false);
    const std::string& first = pick(firsts, generator);
    const bool person = generator.below(2) == 1;
    const std::string& second = pick(person ? lasts : things, generator);
    if (is_held_out(first, second)) return draw_sentence(generator);
    sentence.add({first, second}, person);
    sentence.add(words_of(pick(person ? deeds : events, generator)), false);
    return sentence;
}

std::vector<Tagged> draw_sentences(std::size_t count, nn::Generator& generator) {
    std::vector<Tagged> sentences;
    while (sentences.size() < count) sentences.push_back(draw_sentence(generator));
    return sentences;
}

/// The sentences of the lecture; none like them is trained on.
std::vector<Tagged> lecture_sentences() {
    std::vector<Tagged> sentences(2);
    sentences[0].add({"he", "said"}, false);
    sentences[0].add({"Teddy", "Roosevelt"}, true);
    sentences[0].add(words_of("was a great president"), false);
    sentences[1].add(words_of("he said Teddy bears are on sale"), false);
    return sentences;
}

Vocabulary all_words() {
    Vocabulary vocabulary(special_words());
    for (const Words& list : {openings, firsts, lasts, things, deeds, events})
        for (const std::string& words : list) vocabulary.add(words_of(words));
    return vocabulary;
}

struct Batch {
    Padded words;
    Tensor<float> targets;  ///< [T, B, 1]
};

Batch batch_of(const Vocabulary& vocabulary, std::span<const Tagged> sentences) {
    std::vector<Tokens> rows;
    for (const Tagged& sentence : sentences) rows.push_back(vocabulary.tokens(sentence.words));
    Batch batch{padded(rows), {}};
    batch.targets = nn::zeros<float>({batch.words.tokens.shape()[0], sentences.size(), 1});
    for (std::size_t b = 0; b < sentences.size(); ++b)
        for (std::size_t t = 0; t < rows[b].size(); ++t) batch.targets(t, b, 0) = sentences[b].in_name[t];
    return batch;
}

/// Embedding, recurrent layer, and a `Linear` to one logit a word.
struct Tagger {
    std::string name;
    nn::Embedding<float> embedding;
    nn::Stack<float> layers;

    /// [T, B, 1]
    Var<float> logits(const Padded& words) const {
        return nn::unroll(layers, embedding(words.tokens), {.lengths = words.lengths}).outputs;
    }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("embedding", embedding.parameters());
        list.add("layers", layers.parameters());
        return list;
    }
};

/// Equally many units in all: 32 in one direction, or 16 in each of two.
std::vector<Tagger> two_taggers(std::size_t words, nn::Generator& generator) {
    constexpr std::size_t size = 16;
    std::vector<Tagger> taggers;
    taggers.push_back(
        {"one direction", nn::Embedding<float>(words, size, generator),
         nn::Stack<float>(nn::LstmCell<float>(size, 32, generator), nn::Linear<float>(32, 1, generator))});
    taggers.push_back({"both directions", nn::Embedding<float>(words, size, generator),
                       nn::Stack<float>(nn::Bidirectional{nn::LstmCell<float>(size, 16, generator),
                                                          nn::LstmCell<float>(size, 16, generator)},
                                        nn::Linear<float>(32, 1, generator))});
    return taggers;
}

Losses train_tagger(Tagger& tagger, const Vocabulary& vocabulary, std::size_t steps,
                    nn::Generator& generator) {
    return train(tagger.parameters(), {.steps = steps}, [&] {
        const Batch batch = batch_of(vocabulary, draw_sentences(32, generator));
        return nn::sigmoid_cross_entropy(tagger.logits(batch.words), batch.targets,
                                         {.lengths = batch.words.lengths});
    });
}

/// The probability, for every word of every sentence, that it is part of a name.
using Probabilities = std::vector<std::vector<double>>;

Probabilities tag(const Tagger& tagger, const Vocabulary& vocabulary, std::span<const Tagged> sentences) {
    const Tape<float> tape;
    const Paused<float> no_gradients;
    const Tensor<float> all = sigmoid(tagger.logits(batch_of(vocabulary, sentences).words)).value();
    Probabilities result;
    for (std::size_t b = 0; b < sentences.size(); ++b) {
        result.emplace_back();
        for (std::size_t t = 0; t < sentences[b].words.size(); ++t)
            result.back().push_back(static_cast<double>(all(t, b, 0)));
    }
    return result;
}

/// The baseline: how often the word alone was part of a name.
Probabilities tag_by_word(std::span<const Tagged> training, std::span<const Tagged> sentences) {
    std::map<std::string, std::pair<double, double>> counts;  // in names, in all
    for (const Tagged& sentence : training) {
        for (std::size_t t = 0; t < sentence.words.size(); ++t) {
            auto& [names, all] = counts[sentence.words[t]];
            names += sentence.in_name[t];
            all += 1;
        }
    }
    Probabilities result;
    for (const Tagged& sentence : sentences) {
        result.emplace_back();
        for (const std::string& word : sentence.words)
            result.back().push_back(counts[word].first / std::max(counts[word].second, 1.0));
    }
    return result;
}

struct Errors {
    double all;        ///< share of all words
    double ambiguous;  ///< share of those that can begin a name or something else
};

Errors errors_of(const Probabilities& probabilities, std::span<const Tagged> sentences) {
    double wrong[2] = {0, 0};
    double count[2] = {0, 0};
    for (std::size_t b = 0; b < sentences.size(); ++b) {
        for (std::size_t t = 0; t < sentences[b].words.size(); ++t) {
            const bool ambiguous = std::ranges::find(firsts, sentences[b].words[t]) != firsts.end();
            wrong[ambiguous] += (probabilities[b][t] > 0.5) != sentences[b].in_name[t];
            count[ambiguous] += 1;
        }
    }
    return {(wrong[0] + wrong[1]) / (count[0] + count[1]), wrong[1] / count[1]};
}

HeatMap heat_map(const Tagged& sentence) {
    HeatMap map{sentence_of(sentence.words), "", "", sentence.words, {"truth"}, {{}}, true};
    map.values[0].assign(sentence.in_name.begin(), sentence.in_name.end());
    return map;
}

int perform(const Options& options) {
    Claims claims(options.quick);
    nn::Generator generator(options.seed);
    const Vocabulary vocabulary = all_words();
    const std::vector<Tagged> test = draw_sentences(500, generator);
    const std::vector<Tagged> lecture = lecture_sentences();
    Figure figure{{}, 1, 760, 260};
    std::vector<HeatMap> maps{heat_map(lecture[0]), heat_map(lecture[1])};
    std::vector<std::vector<std::string>> rows;
    std::vector<Errors> errors;
    const auto report = [&](const std::string& name, const Probabilities& of_test,
                            const Probabilities& of_lecture) {
        errors.push_back(errors_of(of_test, test));
        rows.push_back({name, percent(errors.back().all), percent(errors.back().ambiguous),
                        fmt::format("{:.2f}", of_lecture[0][2]), fmt::format("{:.2f}", of_lecture[1][2])});
        for (std::size_t i = 0; i < maps.size(); ++i) {
            maps[i].rows.push_back(name);
            maps[i].values.push_back(of_lecture[i]);
        }
    };

    const std::vector<Tagged> counted = draw_sentences(2000, generator);
    report("each word alone", tag_by_word(counted, test), tag_by_word(counted, lecture));
    for (Tagger& tagger : two_taggers(vocabulary.size(), generator)) {
        const Losses losses = train_tagger(tagger, vocabulary, options.steps(600, 10), generator);
        report(tagger.name, tag(tagger, vocabulary, test), tag(tagger, vocabulary, lecture));
        claims.improves(tagger.name, losses);
    }
    fmt::print(
        "Which words belong to a name? Wrong words in {} new sentences, all of them and those that can\n"
        "begin a name or something else; and the probability that \"Teddy\" does in two sentences:\n\n{}\n",
        test.size(), table({"", "wrong", "wrong where ambiguous", "Teddy Roosevelt", "Teddy bears"}, rows));
    for (HeatMap& map : maps) figure.panels.push_back(std::move(map));
    save(figure, options.output / "tagging.svg");

    claims.beats("both directions", errors[2].all, "each word alone", errors[0].all);
    claims.beats("both directions", errors[2].ambiguous, "one direction", errors[1].ambiguous);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_tagging",
               "Finds the names of persons in sentences, reading in one direction and in both.", perform);
}
