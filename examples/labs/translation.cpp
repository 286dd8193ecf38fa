// A translation that is more than a dictionary: small English sentences into French.
//
// In French colours stand behind the noun, and article and adjective agree with its gender, so that a word
// often depends on one that is not at its place. The attention matrix shows which: its diagonal is crossed
// wherever the order changes, and articles look at their noun.
#include "claims.hpp"
#include "command_line.hpp"
#include "table.hpp"
#include "training.hpp"
#include "translator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

using namespace tapeloop;
using namespace lab;

namespace {

/// An English word and its French ones, masculine and feminine.
struct Entry {
    std::string english;
    std::array<std::string, 2> french;
};

struct Noun {
    std::string english;
    std::string french;
    bool feminine;
};

const std::vector<Noun> nouns{{"cat", "chat", false},     {"dog", "chien", false},
                              {"car", "voiture", true},   {"house", "maison", true},
                              {"book", "livre", false},   {"table", "table", true},
                              {"flower", "fleur", true},  {"boat", "bateau", false},
                              {"horse", "cheval", false}, {"mouse", "souris", true}};
const std::vector<Entry> articles{{"the", {"le", "la"}}, {"a", {"un", "une"}}, {"this", {"ce", "cette"}}};
const std::vector<Entry> sizes{{"small", {"petit", "petite"}}, {"big", {"grand", "grande"}}};
const std::vector<Entry> colours{{"white", {"blanc", "blanche"}},
                                 {"black", {"noir", "noire"}},
                                 {"green", {"vert", "verte"}},
                                 {"red", {"rouge", "rouge"}}};
const std::vector<Entry> verbs{{"sees", {"voit", "voit"}},
                               {"finds", {"trouve", "trouve"}},
                               {"carries", {"porte", "porte"}},
                               {"likes", {"aime", "aime"}}};

template <class List>
const auto& pick(const List& from, nn::Generator& generator) {
    return from[generator.below(from.size())];
}

void add(Pair& pair, const Pair& more) {
    pair.source.insert(pair.source.end(), more.source.begin(), more.source.end());
    pair.target.insert(pair.target.end(), more.target.begin(), more.target.end());
}

/// `the small black cat` and `le petit chat noir`; size and colour may be missing.
Pair draw_phrase(nn::Generator& generator) {
    const Noun& noun = pick(nouns, generator);
    const Entry& article = pick(articles, generator);
    Pair phrase{{article.english}, {article.french[noun.feminine]}};
    if (generator.below(2) == 0) {
        const Entry& size = pick(sizes, generator);
        add(phrase, {{size.english}, {size.french[noun.feminine]}});
    }
    if (generator.below(3) == 0) {
        add(phrase, {{noun.english}, {noun.french}});
    } else {
        const Entry& colour = pick(colours, generator);
        add(phrase, {{colour.english, noun.english}, {noun.french, colour.french[noun.feminine]}});
    }
    return phrase;
}

Pair draw_sentence(nn::Generator& generator) {
    Pair sentence = draw_phrase(generator);
    const Entry& verb = pick(verbs, generator);
    add(sentence, {{verb.english}, {verb.french[0]}});
    add(sentence, draw_phrase(generator));
    return sentence;
}

/// The sentences of the test, and others that are trained on: none is in both.
struct Corpus {
    std::vector<Pair> training;
    std::vector<Pair> test;
};

Corpus draw_corpus(std::size_t training, std::size_t test, nn::Generator& generator) {
    std::set<Words> seen;
    Corpus corpus;
    while (corpus.test.size() < test) {
        Pair sentence = draw_sentence(generator);
        if (!seen.insert(sentence.source).second) continue;
        (corpus.training.size() < training ? corpus.training : corpus.test).push_back(std::move(sentence));
    }
    return corpus;
}

/// The baseline: a dictionary, word for word, that knows the masculine forms.
std::vector<Words> word_for_word(const std::vector<Pair>& pairs) {
    std::map<std::string, std::string> dictionary;
    for (const auto& list : {articles, sizes, colours, verbs})
        for (const Entry& entry : list) dictionary[entry.english] = entry.french[0];
    for (const Noun& noun : nouns) dictionary[noun.english] = noun.french;
    std::vector<Words> written;
    for (const Pair& pair : pairs) {
        written.emplace_back();
        for (const std::string& word : pair.source) written.back().push_back(dictionary.at(word));
    }
    return written;
}

Translator make_translator(const Corpus& corpus, nn::Generator& generator) {
    Vocabulary english(special_words());
    Vocabulary french(special_words());
    for (const Pair& pair : corpus.training) {
        english.add(pair.source);
        french.add(pair.target);
    }
    return {english, french, generator};
}

int perform(const Options& options) {
    Claims claims(options.quick);
    nn::Generator generator(options.seed);
    const Corpus corpus = draw_corpus(3000, 500, generator);
    Translator translator = make_translator(corpus, generator);
    const Losses losses = train(translator.parameters(), {.steps = options.steps(800, 5)}, [&] {
        std::vector<Pair> batch;
        while (batch.size() < 32) batch.push_back(pick(corpus.training, generator));
        return translator.loss(batch);
    });

    const WordErrors baseline = errors_of(word_for_word(corpus.test), corpus.test);
    const WordErrors errors = errors_of(translator.translate(corpus.test), corpus.test);
    fmt::print("English to French, {} sentences that were not trained on:\n\n{}\n", corpus.test.size(),
               table({"", "wrong words", "wrong sentences"},
                     {{"word for word", percent(baseline.words), percent(baseline.sentences)},
                      {"encoder and decoder", percent(errors.words), percent(errors.sentences)}}));

    Figure figure{{}, 2, 560, 520};
    for (const char* english :
         {"the small black cat sees a big red house", "this white mouse likes the green flower"}) {
        Translation translation = translator.explain(words_of(english));
        fmt::print("{}\n  -> {}\n", english, sentence_of(translation.words));
        figure.panels.push_back(std::move(translation.attention));
    }
    save(figure, options.output / "translation.svg");

    claims.improves("encoder and decoder", losses);
    claims.beats("encoder and decoder", errors.words, "word for word", baseline.words);
    claims.beats("encoder and decoder", errors.sentences, "word for word", baseline.sentences);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_translation",
               "Learns to translate small English sentences into French with encoder, decoder and attention.",
               perform);
}
