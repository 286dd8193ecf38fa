// The smallest task of encoder and decoder: read a sequence of letters, then write it backwards.
//
// Without attention the whole sequence has to pass through one state vector. With it the decoder can look
// back at any letter, and what it looked at is a picture: a diagonal that runs from the last letter to the
// first.
#include "claims.hpp"
#include "command_line.hpp"
#include "table.hpp"
#include "training.hpp"
#include "translator.hpp"

#include <fmt/format.h>

using namespace tapeloop;
using namespace lab;

namespace {

Words letters() {
    Words all;
    for (char letter = 'a'; letter <= 'p'; ++letter) all.emplace_back(1, letter);
    return all;
}

std::vector<Pair> draw_pairs(std::size_t count, nn::Generator& generator) {
    const Words all = letters();
    std::vector<Pair> pairs(count);
    for (Pair& pair : pairs) {
        const std::size_t length = 4 + generator.below(9);
        while (pair.source.size() < length) pair.source.push_back(all[generator.below(all.size())]);
        pair.target.assign(pair.source.rbegin(), pair.source.rend());
    }
    return pairs;
}

/// The baseline that writes what it read.
std::vector<Words> copied(const std::vector<Pair>& pairs) {
    std::vector<Words> written;
    for (const Pair& pair : pairs) written.push_back(pair.source);
    return written;
}

int perform(const Options& options) {
    Claims claims(options.quick);
    nn::Generator generator(options.seed);
    Vocabulary vocabulary(special_words());
    vocabulary.add(letters());
    Translator translator(vocabulary, vocabulary, generator);
    const std::vector<Pair> test = draw_pairs(500, generator);
    const WordErrors baseline = errors_of(copied(test), test);

    const Losses losses = train(translator.parameters(), {.steps = options.steps(1200, 5)},
                                [&] { return translator.loss(draw_pairs(32, generator)); });
    const WordErrors errors = errors_of(translator.translate(test), test);
    fmt::print("4 to 12 letters backwards, {} new sequences:\n\n{}\n", test.size(),
               table({"", "wrong letters", "wrong sequences"},
                     {{"copied", percent(baseline.words), percent(baseline.sentences)},
                      {"encoder and decoder", percent(errors.words), percent(errors.sentences)}}));

    const Words example = words_of("l o o k i n g b a c k");
    const Translation translation = translator.explain(example);
    fmt::print("\"{}\" becomes \"{}\"\n", sentence_of(example), sentence_of(translation.words));
    save({{translation.attention}, 1, 620, 560}, options.output / "reversal.svg");

    claims.improves("encoder and decoder", losses);
    claims.beats("encoder and decoder", errors.words, "copying", baseline.words);
    claims.beats("encoder and decoder", errors.sentences, "copying", baseline.sentences);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_reversal",
               "Learns to write a sequence backwards with encoder, decoder and attention.", perform);
}
