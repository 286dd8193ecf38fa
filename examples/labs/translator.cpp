#include "translator.hpp"

#include <nn/decoding/decoding.hpp>

#include <algorithm>

namespace lab {

using namespace tapeloop;

namespace {

constexpr std::size_t longest_sentence = 20;

}  // namespace

Translator::Translator(Vocabulary source, Vocabulary target, nn::Generator& generator,
                       const TranslatorOptions& options)
    : source_(std::move(source)),
      target_(std::move(target)),
      encoder_(nn::Embedding<float>(source_.size(), options.embedding, generator),
               Reader{nn::GruCell<float>(options.embedding, options.units / 2, generator),
                      nn::GruCell<float>(options.embedding, options.units / 2, generator)}),
      decoder_(nn::Embedding<float>(target_.size(), options.embedding, generator),
               Writer(nn::GruCell<float>(options.embedding + options.units, options.units, generator),
                      nn::AdditiveAttention<float>(options.units, options.units, options.units, generator),
                      options.units),
               nn::Linear<float>(2 * options.units, target_.size(), generator)) {}

ParameterList<float> Translator::parameters() {
    ParameterList<float> list;
    list.add("encoder", encoder_.parameters());
    list.add("decoder", decoder_.parameters());
    return list;
}

Padded Translator::read(std::span<const Pair> pairs) const {
    std::vector<Tokens> rows;
    for (const Pair& pair : pairs) rows.push_back(source_.tokens(pair.source));
    return padded(rows);
}

/// The decoder's first state: it looks at everything that the encoder read.
Translator::Writer::State Translator::attend(const Padded& source) const {
    const Var<float> outputs = encoder_(source.tokens, {.lengths = source.lengths}).outputs;
    return decoder_.cell.attending(outputs, source.lengths);
}

/// Whatever the decoder would have written, its next word follows the right one: teacher forcing.
Var<float> Translator::loss(std::span<const Pair> pairs) const {
    std::vector<Tokens> rows;
    for (const Pair& pair : pairs) {
        rows.push_back(target_.tokens(pair.target));
        rows.back().push_back(end_token);
    }
    const Padded target = padded(rows);
    const auto logits = decoder_.teach(nn::shifted(target.tokens, start_token), attend(read(pairs))).outputs;
    return nn::softmax_cross_entropy(logits, target.tokens,
                                     {.reduction = nn::Reduction::mean, .lengths = target.lengths});
}

std::vector<Words> Translator::translate(std::span<const Pair> pairs) const {
    const Tape<float> tape;
    const Paused<float> no_gradients;
    std::vector<Words> written;
    for (const nn::Hypothesis& best :
         nn::decode_greedy(decoder_, attend(read(pairs)),
                           {.start = start_token, .end = end_token, .max_length = longest_sentence}))
        written.push_back(target_.words(best.tokens));
    return written;
}

Translation Translator::explain(const Words& source) const {
    const Pair pair{source, {}};
    Translation translation{translate({&pair, 1})[0],
                            {"where the decoder looks", "read", "written", {}, {}, {}}};
    // Read back what was written, this time with all states kept: the weights are part of them.
    const Tape<float> tape;
    const Paused<float> no_gradients;
    const Padded target = padded({target_.tokens(translation.words)});
    const auto taught =
        decoder_.teach(nn::shifted(target.tokens, start_token), attend(read({&pair, 1})), {.trace = true});
    for (const auto& state : taught.trace) {
        const Tensor<float> weights = Writer::weights(state).value();
        translation.attention.values.emplace_back(weights.begin(), weights.end());
    }
    translation.attention.columns = source;
    translation.attention.rows = translation.words;
    return translation;
}

WordErrors errors_of(const std::vector<Words>& written, std::span<const Pair> pairs) {
    std::vector<Words> right;
    for (const Pair& pair : pairs) right.push_back(pair.target);
    return errors_of(written, right);
}

}  // namespace lab
