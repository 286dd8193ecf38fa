// Many to many, delayed: the whole sequence is read before the first answer, and the answer has a length of
// its own. "six hundred five" becomes "605". An encoder reads the words, a decoder writes the digits and
// attends to the words while it does. A part of all numbers below 1000 is kept back, for the test.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <array>
#include <string>

using namespace tapeloop;

const std::vector<std::string> words{"<none>",   "one",      "two",      "three",   "four",    "five",
                                     "six",      "seven",    "eight",    "nine",    "ten",     "eleven",
                                     "twelve",   "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
                                     "eighteen", "nineteen", "twenty",   "thirty",  "forty",   "fifty",
                                     "sixty",    "seventy",  "eighty",   "ninety",  "hundred"};
constexpr std::ptrdiff_t hundred = 28;
// What is written: the digits, and
constexpr std::ptrdiff_t end = 10;
constexpr std::ptrdiff_t start = 11;
constexpr std::size_t written_kinds = 12;
constexpr std::ptrdiff_t uncounted = -1;

using Tokens = std::vector<std::ptrdiff_t>;

Tokens words_of(int number) {
    Tokens tokens;
    if (number >= 100) tokens = {number / 100, hundred};
    number %= 100;
    if (number >= 20) {
        tokens.push_back(18 + number / 10);
        number %= 10;
    }
    if (number > 0) tokens.push_back(number);
    return tokens;
}

Tokens digits_of(int number) {
    Tokens tokens;
    for (char digit : std::to_string(number)) tokens.push_back(digit - '0');
    return tokens;
}

/// A padded batch, [S, B] words and [T, B] digits, each with its end.
struct Batch {
    nn::Targets words = nn::Targets::from_shape({4, 0});
    std::vector<std::size_t> lengths;
    nn::Targets digits;
};

Batch batch_of(const std::vector<int>& numbers) {
    Batch batch{
        nn::Targets::from_shape({4, numbers.size()}), {}, nn::Targets::from_shape({4, numbers.size()})};
    batch.words.fill(0);
    batch.digits.fill(uncounted);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const Tokens read = words_of(numbers[i]);
        Tokens written = digits_of(numbers[i]);
        written.push_back(end);
        for (std::size_t s = 0; s < read.size(); ++s) batch.words(s, i) = read[s];
        for (std::size_t t = 0; t < written.size(); ++t) batch.digits(t, i) = written[t];
        batch.lengths.push_back(read.size());
    }
    return batch;
}

struct Translator {
    using Attending = nn::AttentionCell<nn::LstmCell<float>>;
    nn::Encoder<nn::LstmCell<float>> encoder;
    nn::Decoder<Attending> decoder;

    explicit Translator(nn::Generator& generator)
        : encoder(nn::Embedding<float>(words.size(), 16, generator, {.padding = 0}),
                  nn::LstmCell<float>(16, 32, generator)),
          decoder(nn::Embedding<float>(written_kinds, 8, generator),
                  Attending(nn::LstmCell<float>(8 + 32, 32, generator),
                            nn::AdditiveAttention<float>(32, 32, 16, generator), 32),
                  nn::Linear<float>(32 + 32, written_kinds, generator)) {}

    /// The decoder's first state: the encoder's last one, and what it attends to.
    Attending::State read(const Batch& batch) const {
        const auto encoded = encoder(batch.words, {.lengths = batch.lengths});
        return decoder.cell.attending(encoded.outputs, batch.lengths, encoded.state);
    }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("encoder", encoder.parameters());
        list.add("decoder", decoder.parameters());
        return list;
    }
};

std::vector<int> shuffled_numbers(nn::Generator& generator) {
    std::vector<int> numbers;
    for (int number = 1; number < 1000; ++number) numbers.push_back(number);
    for (std::size_t i = numbers.size(); i > 1; --i) std::swap(numbers[i - 1], numbers[generator.below(i)]);
    return numbers;
}

/// The share of digits and ends that stand where they should.
double share_right(const std::vector<Tokens>& written, const std::vector<int>& numbers) {
    double right = 0;
    double count = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        Tokens expected = digits_of(numbers[i]);
        expected.push_back(end);
        Tokens own = written[i];
        own.push_back(end);
        for (std::size_t t = 0; t < expected.size(); ++t)
            right += t < own.size() && own[t] == expected[t] ? 1 : 0;
        count += static_cast<double>(expected.size());
    }
    return right / count;
}

/// The number that has at each place the digit that is most frequent there.
Tokens most_frequent_digits(const std::vector<int>& numbers) {
    Tokens digits;
    for (std::size_t place = 0; place < 3; ++place) {
        std::array<int, 10> counts{};
        for (int number : numbers)
            if (const Tokens own = digits_of(number); place < own.size())
                ++counts[static_cast<std::size_t>(own[place])];
        digits.push_back(std::ranges::max_element(counts) - counts.begin());
    }
    return digits;
}

/// Prints how much each word counted for each digit, as the model is taught its own answer.
void print_attention(const Translator& model, int number, const Tokens& written) {
    const Batch batch = batch_of({number});
    nn::Targets targets = nn::Targets::from_shape({written.size(), 1});
    std::copy(written.begin(), written.end(), targets.begin());
    const auto taught = model.decoder.teach(nn::shifted(targets, start), model.read(batch), {.trace = true});
    fmt::print("{:6}", "");
    for (std::ptrdiff_t word : words_of(number)) fmt::print("{:>10}", words[static_cast<std::size_t>(word)]);
    fmt::print("\n");
    for (std::size_t t = 0; t < written.size(); ++t) {
        const Tensor<float> weights = model.decoder.cell.weights(taught.trace[t]).value();
        fmt::print("{:>6}", written[t]);
        for (std::size_t s = 0; s < batch.lengths[0]; ++s) fmt::print("{:>10.2f}", weights(0, s));
        fmt::print("\n");
    }
}

int main() {
    nn::Generator generator(1);
    const std::vector<int> numbers = shuffled_numbers(generator);
    const std::vector<int> training(numbers.begin(), numbers.begin() + 700);
    const std::vector<int> test(numbers.begin() + 700, numbers.end());

    Translator model(generator);
    optim::Adam<float> adam(model.parameters(), {.learning_rate = 0.01});
    for (int step = 1; step <= 500; ++step) {
        std::vector<int> drawn(32);
        for (int& number : drawn) number = training[generator.below(training.size())];
        const Batch batch = batch_of(drawn);
        const Tape<float> tape;
        const auto taught =
            model.decoder.teach(nn::shifted(batch.digits, start, uncounted), model.read(batch));
        const Var<float> J = nn::softmax_cross_entropy(taught.outputs, batch.digits, {.ignore = uncounted});
        Gradients<float> gradients = gradient(J, model.parameters());
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        if (step % 100 == 0) fmt::print("step {:3}: loss {:.4f}\n", step, J.item());
    }

    const Tape<float> tape;
    const auto found = nn::beam_search(model.decoder, model.read(batch_of(test)),
                                       {.start = start, .end = end, .max_length = 6}, {.beams = 4});
    std::vector<Tokens> written;
    double whole = 0;
    for (std::size_t i = 0; i < test.size(); ++i) {
        written.push_back(found[i][0].tokens);
        whole += written[i] == digits_of(test[i]) ? 1 : 0;
    }
    print_attention(model, test[0], written[0]);
    const double right = share_right(written, test);
    const double baseline =
        share_right(std::vector<Tokens>(test.size(), most_frequent_digits(training)), test);
    fmt::print(
        "{:.1f} % of the numbers that it never saw are right; digits right: {:.1f} %; "
        "always the most frequent ones: {:.1f} %\n",
        100 * whole / static_cast<double>(test.size()), 100 * right, 100 * baseline);
    return right > baseline ? 0 : 1;
}
