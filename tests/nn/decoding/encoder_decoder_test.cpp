#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/graph/loops.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/decoding/beam_search.hpp>
#include <nn/decoding/encoder_decoder.hpp>
#include <nn/decoding/sampling.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/stack.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t E = 3;
constexpr std::size_t H = 4;
constexpr std::size_t O = 5;
constexpr std::size_t B = 3;

/// A user's cell: h' = tanh(x + h W).
struct UserCell {
    Parameter<double> W;
    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, W.shape()[1]}, 0)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(x + matmul(h, W));
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(W); }
};

template <class C>
nn::Decoder<C> decoder_of(C cell, std::size_t output_size, nn::Generator& generator) {
    return {nn::Embedding<double>(O, E, generator), std::move(cell),
            nn::Linear<double>(output_size, O, generator)};
}

nn::Targets random_tokens(const std::vector<std::size_t>& shape, Random& random) {
    nn::Targets tokens = nn::Targets::from_shape(shape);
    for (std::ptrdiff_t& token : tokens) token = static_cast<std::ptrdiff_t>(random.below(O));
    return tokens;
}

std::vector<std::ptrdiff_t> row_of(const nn::Targets& tokens, std::size_t t) {
    return {tokens.data() + t * B, tokens.data() + (t + 1) * B};
}

/// That teaching is the decoder's steps, and that what it writes has the probability that teaching gives it.
template <class C>
void check_decoder(const nn::Decoder<C>& decoder, const nn::StateOf<C>& start) {
    Random random("taught");
    const nn::Targets tokens = random_tokens({4, B}, random);
    const auto taught = decoder.teach(tokens, start, {.trace = true});
    REQUIRE(taught.outputs.shape() == Shape{4, B, O});
    CHECK(taught.trace.size() == 4);
    nn::StateOf<C> state = start;
    for (std::size_t t = 0; t < 4; ++t) {
        auto result = decoder(row_of(tokens, t), state);
        check_close(result.first.value(), unstack(taught.outputs)[t].value(), 1e-13);
        state = std::move(result.second);
    }

    const nn::DecodingLimits limits{.start = 1, .end = 0, .max_length = 6};
    nn::Generator generator(9);
    const std::vector<nn::Hypothesis> greedy = nn::decode_greedy(decoder, start, limits);
    const std::vector<nn::Hypothesis> drawn = nn::sample(decoder, start, limits, generator);
    const auto found = nn::beam_search(decoder, start, limits, {.beams = 3});
    for (const auto& written : {greedy, drawn, {found[0][0], found[1][0], found[2][0]}}) {
        nn::Targets targets = nn::Targets::from_shape({6, B});
        targets.fill(-1);
        for (std::size_t b = 0; b < B; ++b) {
            std::vector<std::ptrdiff_t> own = written[b].tokens;
            if (written[b].ended) own.push_back(0);
            for (std::size_t t = 0; t < own.size(); ++t) targets(t, b) = own[t];
        }
        const Var<double> logits = decoder.teach(nn::shifted(targets, 1, -1), start).outputs;
        const Var<double> losses =
            nn::softmax_cross_entropy(logits, targets, {.reduction = nn::Reduction::none, .ignore = -1});
        const Tensor<double> costs = sum(losses, 0).value();
        for (std::size_t b = 0; b < B; ++b)
            CHECK(written[b].log_probability == doctest::Approx(-costs(b)).epsilon(1e-12));
    }
    for (std::size_t b = 0; b < B; ++b) CHECK(found[b][0].log_probability >= found[b].back().log_probability);
}

}  // namespace

TEST_CASE("Decoder: teaching is its steps, with an LSTM, a user's cell, a stack, and attention") {
    Random random("decoder");
    nn::Generator generator(6);
    const Tape<double> tape;
    SUBCASE("LSTM") {
        const auto decoder = decoder_of(nn::LstmCell<double>(E, H, generator), H, generator);
        check_decoder(decoder, {input(random.tensor({B, H})), input(random.tensor({B, H}))});
    }
    SUBCASE("a user's cell") {
        const auto decoder =
            decoder_of(UserCell{Parameter<double>("W", random.tensor({E, E}))}, E, generator);
        check_decoder(decoder, input(random.tensor({B, E})));
    }
    SUBCASE("a stack") {
        nn::Stack<double> stack(nn::LstmCell<double>(E, H, generator),
                                nn::ElmanCell<double>(H, H, generator));
        const auto decoder = decoder_of(std::move(stack), H, generator);
        check_decoder(decoder, decoder.cell.initial_state(B));
    }
    SUBCASE("attention") {
        const auto decoder =
            decoder_of(nn::AttentionCell(nn::LstmCell<double>(E + 2, H, generator),
                                         nn::AdditiveAttention<double>(H, 2, 3, generator), 2),
                       H + 2, generator);
        check_decoder(decoder, decoder.cell.attending(random.tensor({5, B, 2}, -2, 2), {5, 0, 2}));
    }
}

TEST_CASE("Encoder: is the unrolled cell over embedded tokens, with its options") {
    Random random("encoder");
    nn::Generator generator(6);
    nn::Encoder<nn::LstmCell<double>> encoder(nn::Embedding<double>(O, E, generator),
                                              nn::LstmCell<double>(E, H, generator));
    const nn::Targets tokens = random_tokens({4, B}, random);
    const nn::UnrollOptions options{.reverse = true, .lengths = {4, 0, 2}};
    const Tape<double> tape;
    const auto encoded = encoder(tokens, options);
    const auto expected = nn::unroll(encoder.cell, encoder.embedding(tokens), options);
    check_same_bits(encoded.outputs.value(), expected.outputs.value());
    check_same_bits(encoded.state[1].value(), expected.state[1].value());
    CHECK(encoder(Indices{1, 2, 3}.reshaped({1, 3}), {.batch_first = true}).outputs.shape() ==
          Shape{1, 3, H});
}

TEST_CASE("Encoder and Decoder: the gradient reaches every parameter, by its path") {
    Random random("all of it");
    nn::Generator generator(6);
    nn::Encoder<nn::LstmCell<double>> encoder(nn::Embedding<double>(O, E, generator),
                                              nn::LstmCell<double>(E, H, generator));
    auto decoder = decoder_of(nn::AttentionCell(nn::LstmCell<double>(E + H, H, generator),
                                                nn::AdditiveAttention<double>(H, H, 3, generator), H),
                              2 * H, generator);
    ParameterList<double> parameters;
    parameters.add("encoder", encoder.parameters());
    parameters.add("decoder", decoder.parameters());
    std::vector<std::string> paths;
    for (const auto& entry : parameters) paths.push_back(entry.path);
    CHECK(paths == std::vector<std::string>{
                       "encoder/embedding/table", "encoder/cell/U", "encoder/cell/W", "encoder/cell/b",
                       "decoder/embedding/table", "decoder/cell/cell/U", "decoder/cell/cell/W",
                       "decoder/cell/cell/b", "decoder/cell/attention/W", "decoder/cell/attention/U",
                       "decoder/cell/attention/v", "decoder/output/V", "decoder/output/c"});

    const nn::Targets source = random_tokens({4, B}, random);
    const nn::Targets targets = random_tokens({3, B}, random);
    const std::vector<std::size_t> lengths{4, 1, 3};
    const auto loss = [&] {
        const auto encoded = encoder(source, {.lengths = lengths});
        const auto start = decoder.cell.attending(encoded.outputs, lengths, encoded.state);
        return nn::softmax_cross_entropy(decoder.teach(nn::shifted(targets, 0), start).outputs, targets);
    };
    const Tape<double> tape;
    const Gradients<double> gradients = gradient(loss(), parameters);
    // Steps of the two are loops of their own to whoever looks at the graph.
    std::vector<std::string> loops;
    for (const auto& loop : detail::find_loops(tape).loops) loops.push_back(loop.label);
    CHECK(loops == std::vector<std::string>{"encoder", "decoder"});
    for (const auto& entry : parameters) {
        CAPTURE(entry.path);
        const Tensor<double> value = entry.parameter->value();
        const Tensor<double> direction = random.tensor(entry.parameter->shape());
        const auto along = [&](const Tensors& x) {
            entry.parameter->assign(x[0]);
            const Tape<double> own;
            return Tensors{loss().value()};
        };
        const double slope = derivative_along(along, {value}, {direction})[0].data()[0];
        entry.parameter->assign(value);
        CHECK(std::abs(slope) > 1e-6);
        CHECK(inner({gradients[*entry.parameter]}, {direction}) == doctest::Approx(slope).epsilon(1e-7));
    }
}

TEST_CASE("shifted: the start, then each target one step later") {
    const nn::Targets targets{{5, 6}, {7, -1}, {8, -1}};
    CHECK(nn::shifted(targets, 2, -1) == nn::Targets{{2, 2}, {5, 6}, {7, 2}});
    CHECK(nn::shifted(targets, 2) == nn::Targets{{2, 2}, {5, 6}, {7, -1}});
    CHECK(nn::shifted(nn::Targets::from_shape({0, 3}), 2).size() == 0);
    CHECK(text_of<std::invalid_argument>([] {
              nn::shifted(nn::Targets{1, 2}, 0);
          }) == "shifted: targets are [2]; they must be [T, B]");
}
