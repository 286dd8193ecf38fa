// One to many: a single vector goes in, a sentence comes out. A thing has a colour (three numbers), a number
// of corners and a size, all measured with noise; the model says what it is: "small red circle", or "red
// circle" for one that is neither small nor large. It never saw a blue triangle while it was trained, and has
// to name those too.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <algorithm>
#include <map>

using namespace tapeloop;

const std::vector<std::string> words{"<start>", "<end>", "small",  "large",    "red",
                                     "green",   "blue",  "circle", "triangle", "square"};
constexpr std::ptrdiff_t start = 0;
constexpr std::ptrdiff_t end = 1;
constexpr std::ptrdiff_t uncounted = -1;

using Sentence = std::vector<std::ptrdiff_t>;

struct Things {
    Tensor<float> measured;  ///< [B, 5]
    std::vector<Sentence> sentences;
};

Things draw_things(std::size_t count, bool with_blue_triangles, nn::Generator& generator) {
    Things things{nn::normal<float>({count, 5}, 0, 0.1, generator), std::vector<Sentence>(count)};
    for (std::size_t i = 0; i < count; ++i) {
        const auto colour = static_cast<std::ptrdiff_t>(generator.below(3));
        auto form = static_cast<std::ptrdiff_t>(generator.below(3));
        if (!with_blue_triangles && colour == 2 && form == 1) form = 2;
        const auto size = static_cast<std::ptrdiff_t>(generator.below(3));
        things.measured(i, static_cast<std::size_t>(colour)) += 1;
        things.measured(i, 3) += form == 0 ? 0.0F : static_cast<float>(form) + 2;
        things.measured(i, 4) += static_cast<float>(size);
        if (size != 1) things.sentences[i].push_back(size == 0 ? 2 : 3);
        things.sentences[i].push_back(4 + colour);
        things.sentences[i].push_back(7 + form);
    }
    return things;
}

/// Each sentence and its end, from top to bottom: [T, B].
nn::Targets as_targets(const std::vector<Sentence>& sentences) {
    nn::Targets targets = nn::Targets::from_shape({4, sentences.size()});
    targets.fill(uncounted);
    for (std::size_t i = 0; i < sentences.size(); ++i) {
        for (std::size_t t = 0; t < sentences[i].size(); ++t) targets(t, i) = sentences[i][t];
        targets(sentences[i].size(), i) = end;
    }
    return targets;
}

struct Describer {
    nn::Linear<float> look;
    nn::Decoder<nn::LstmCell<float>> say;

    explicit Describer(nn::Generator& generator)
        : look(5, 32, generator),
          say(nn::Embedding<float>(words.size(), 8, generator), nn::LstmCell<float>(8, 32, generator),
              nn::Linear<float>(32, words.size(), generator)) {}

    /// Turns what is seen into the state from which the sentence is said.
    std::array<Var<float>, 2> seen(const Tensor<float>& measured) const {
        return {tanh(look(measured)), input(nn::zeros<float>({measured.shape()[0], 32}))};
    }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("look", look.parameters());
        list.add("say", say.parameters());
        return list;
    }
};

std::string text_of(const Sentence& sentence) {
    std::string text;
    for (std::ptrdiff_t word : sentence)
        text += (text.empty() ? "" : " ") + words[static_cast<std::size_t>(word)];
    return text;
}

/// The share of things that one and the same sentence describes, the best there is.
double share_of_best_sentence(const std::vector<Sentence>& sentences) {
    std::map<Sentence, int> counts;
    for (const Sentence& sentence : sentences) ++counts[sentence];
    int most = 0;
    for (const auto& [sentence, count] : counts) most = std::max(most, count);
    return most / static_cast<double>(sentences.size());
}

int main() {
    nn::Generator generator(1);
    Describer model(generator);
    optim::Adam<float> adam(model.parameters(), {.learning_rate = 0.01});
    for (int step = 1; step <= 300; ++step) {
        const Things things = draw_things(32, false, generator);
        const nn::Targets targets = as_targets(things.sentences);
        const Tape<float> tape;
        const auto taught =
            model.say.teach(nn::shifted(targets, start, uncounted), model.seen(things.measured));
        const Var<float> J = nn::softmax_cross_entropy(taught.outputs, targets, {.ignore = uncounted});
        Gradients<float> gradients = gradient(J, model.parameters());
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        if (step % 50 == 0) fmt::print("step {:3}: loss {:.4f}\n", step, J.item());
    }

    const Things things = draw_things(500, true, generator);
    const Tape<float> tape;
    const std::vector<nn::Hypothesis> said = nn::decode_greedy(model.say, model.seen(things.measured),
                                                               {.start = start, .end = end, .max_length = 6});
    double right = 0;
    for (std::size_t i = 0; i < said.size(); ++i) {
        right += said[i].tokens == things.sentences[i] ? 1 : 0;
        if (i < 5) fmt::print("{} is said of a {}\n", text_of(said[i].tokens), text_of(things.sentences[i]));
    }
    right /= static_cast<double>(said.size());
    const double baseline = share_of_best_sentence(things.sentences);
    fmt::print("whole sentences right: {:.1f} %; always the most frequent one: {:.1f} %\n", 100 * right,
               100 * baseline);
    return right > baseline ? 0 : 1;
}
