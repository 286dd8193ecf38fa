// One to many: a picture in, a sentence out.
//
// A feed-forward encoder makes of the pixels what an LSTM begins with, its h(0) and c(0); the LSTM then
// writes the caption word by word, each word read back as the next input. Whatever it knows of the picture
// has to be in that state. The pictures are made by this program: one or two shapes in colour, at places of
// their own.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "shapes.hpp"
#include "table.hpp"
#include "training.hpp"
#include "words.hpp"

#include <fmt/format.h>
#include <nn/cells/lstm_cell.hpp>
#include <nn/decoding/decoding.hpp>
#include <nn/decoding/encoder_decoder.hpp>
#include <nn/generator.hpp>

#include <algorithm>
#include <map>
#include <span>

using namespace tapeloop;
using namespace lab;

namespace {

constexpr std::size_t pixel_values = picture_side * picture_side * 3;
constexpr std::size_t units = 96;  // of the LSTM

/// [B, pixels], 0 where the picture is white.
Tensor<float> pixels_of(std::span<const Example> examples) {
    Tensor<float> x = nn::zeros<float>({examples.size(), pixel_values});
    for (std::size_t b = 0; b < examples.size(); ++b)
        for (std::size_t i = 0; i < pixel_values; ++i)
            x(b, i) = 1 - static_cast<float>(examples[b].pixels[i / 3][i % 3]) / 255;
    return x;
}

Vocabulary vocabulary() {
    Vocabulary words(special_words());
    words.add(caption_words());
    return words;
}

class Captioner {
  public:
    using State = nn::StateOf<nn::LstmCell<float>>;

    explicit Captioner(nn::Generator& generator)
        : vocabulary_(vocabulary()),
          first_(pixel_values, 128, generator),
          second_(128, 2 * units, generator),
          decoder_(nn::Embedding<float>(vocabulary_.size(), 16, generator),
                   nn::LstmCell<float>(16, units, generator),
                   nn::Linear<float>(units, vocabulary_.size(), generator)) {}

    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("encoder/first", first_.parameters());
        list.add("encoder/second", second_.parameters());
        list.add("decoder", decoder_.parameters());
        return list;
    }

    /// Returns the state that the LSTM begins with.
    State encode(const Tensor<float>& pixels) const {
        const Var<float> both = tanh(second_(relu(first_(pixels))));
        return {columns(both, 0, 2), columns(both, 1, 2)};
    }

    Var<float> loss(std::span<const Example> examples) const {
        std::vector<Tokens> rows;
        for (const Example& example : examples) {
            rows.push_back(vocabulary_.tokens(example.caption));
            rows.back().push_back(end_token);
        }
        const Padded captions = padded(rows);
        const auto taught =
            decoder_.teach(nn::shifted(captions.tokens, start_token), encode(pixels_of(examples)));
        return nn::softmax_cross_entropy(taught.outputs, captions.tokens,
                                         {.reduction = nn::Reduction::mean, .lengths = captions.lengths});
    }

    std::vector<Words> describe(std::span<const Example> examples) const {
        const Tape<float> tape;
        const Paused<float> no_gradients;
        std::vector<Words> captions;
        for (const nn::Hypothesis& best :
             nn::decode_greedy(decoder_, encode(pixels_of(examples)),
                               {.start = start_token, .end = end_token, .max_length = 15}))
            captions.push_back(vocabulary_.words(best.tokens));
        return captions;
    }

  private:
    Vocabulary vocabulary_;
    nn::Linear<float> first_;
    nn::Linear<float> second_;
    nn::Decoder<nn::LstmCell<float>> decoder_;
};

/// The baseline that knows captions but sees nothing: the most frequent word of each place, up to the length
/// of the right caption, which is told to it.
std::vector<Words> blind_captions(const std::vector<Words>& counted, const std::vector<Words>& right) {
    std::map<std::size_t, std::map<std::string, std::size_t>> counts;
    for (const Words& caption : counted)
        for (std::size_t t = 0; t < caption.size(); ++t) ++counts[t][caption[t]];
    std::vector<Words> captions;
    for (const Words& caption : right) {
        captions.emplace_back();
        for (std::size_t t = 0; t < caption.size(); ++t)
            captions.back().push_back(std::ranges::max_element(counts[t], {}, [](const auto& entry) {
                                          return entry.second;
                                      })->first);
    }
    return captions;
}

std::vector<Words> right_captions(const std::vector<Example>& examples) {
    std::vector<Words> captions;
    for (const Example& example : examples) captions.push_back(example.caption);
    return captions;
}

/// `a big blue cross` above the picture, the rest below; in another colour where it is wrong.
Image captioned(const Example& example, const Words& caption) {
    const std::size_t line = std::min<std::size_t>(caption.size(), 4);
    const auto split = caption.begin() + static_cast<std::ptrdiff_t>(line);
    return {sentence_of({caption.begin(), split}), sentence_of({split, caption.end()}), picture_side,
            example.pixels, caption != example.caption};
}

int perform(const Options& options) {
    Claims claims(options.quick);
    nn::Generator generator(options.seed);
    const std::vector<Example> test = draw_examples(500, generator);
    const std::vector<Words> right = right_captions(test);
    const WordErrors baseline =
        errors_of(blind_captions(right_captions(draw_examples(2000, generator)), right), right);
    Captioner captioner(generator);
    // Every batch is of new pictures.
    const Losses losses =
        train(captioner.parameters(), {.steps = options.steps(6000, 5), .learning_rate = 0.003},
              [&] { return captioner.loss(draw_examples(64, generator)); });

    const std::vector<Words> captions = captioner.describe(test);
    const WordErrors errors = errors_of(captions, right);
    fmt::print("Captions of {} new pictures of {} x {} pixels:\n\n{}\n", test.size(), picture_side,
               picture_side,
               table({"", "wrong words", "wrong captions"},
                     {{"most frequent words", percent(baseline.words), percent(baseline.sentences)},
                      {"encoder and LSTM", percent(errors.words), percent(errors.sentences)}}));
    Figure figure{{}, 4, 250, 270};
    for (std::size_t i = 0; i < 12; ++i) figure.panels.push_back(captioned(test[i], captions[i]));
    save(figure, options.output / "captions.svg");

    claims.improves("encoder and LSTM", losses);
    claims.beats("encoder and LSTM", errors.words, "the most frequent words", baseline.words);
    claims.beats("encoder and LSTM", errors.sentences, "the most frequent words", baseline.sentences);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_captions",
               "Learns to describe small pictures with a feed-forward encoder and an LSTM.", perform);
}
