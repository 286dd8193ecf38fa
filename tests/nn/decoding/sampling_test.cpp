#include <tests/expect.hpp>
#include <tests/nn/writer_model.hpp>

#include <autograd/ops/reduce.hpp>
#include <nn/decoding/sampling.hpp>
#include <nn/generator.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t B = 40;
constexpr nn::DecodingLimits limits{.start = 3, .end = 0, .max_length = 7};

std::vector<nn::Hypothesis> sampled(const WriterModel& model, std::uint64_t seed,
                                    const nn::SamplingOptions& options = {}) {
    nn::Generator generator(seed);
    return nn::sample(model.step(), model.state(), limits, generator, options);
}

bool same(const std::vector<nn::Hypothesis>& a, const std::vector<nn::Hypothesis>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.tokens == y.tokens && x.ended == y.ended && x.log_probability == y.log_probability;
    });
}

}  // namespace

TEST_CASE("sample: without temperature, nearly so, and with top_k 1 it is greedy") {
    const WriterModel model("sampling", B);
    const Tape<double> tape;
    const auto greedy = nn::decode_greedy(model.step(), model.state(), limits);
    CHECK(same(sampled(model, 1, {.temperature = 0}), greedy));
    CHECK(same(sampled(model, 1, {.temperature = 1e-6}), greedy));
    CHECK(same(sampled(model, 1, {.temperature = 1e-320}), greedy));
    CHECK(same(sampled(model, 1, {.top_k = 1}), greedy));
    CHECK(same(sampled(model, 1, {.temperature = 5, .top_k = 1}), greedy));
    CHECK(!same(sampled(model, 1), greedy));
}

TEST_CASE("sample: a seed gives the same sequences again, and another others") {
    const WriterModel model("sampling", B);
    const Tape<double> tape;
    CHECK(same(sampled(model, 7), sampled(model, 7)));
    CHECK(!same(sampled(model, 7), sampled(model, 8)));
}

TEST_CASE("sample: the log-probability is the model's, whatever the temperature") {
    const WriterModel model("sampling", B);
    const Tape<double> tape;
    for (const nn::SamplingOptions& options :
         {nn::SamplingOptions{}, nn::SamplingOptions{.temperature = 3}, nn::SamplingOptions{.top_k = 2}}) {
        const auto written = sampled(model, 3, options);
        for (std::size_t row = 0; row < B; ++row) {
            auto tokens = written[row].tokens;
            if (written[row].ended) tokens.push_back(0);
            CHECK(written[row].log_probability ==
                  doctest::Approx(model.log_probability(row, 3, tokens)).epsilon(1e-12));
        }
    }
}

TEST_CASE("sample: tokens come as often as they should") {
    constexpr std::size_t count = 40000;
    const std::vector<double> logits{0.5, -1, 2, 1, -3};
    const auto check = [&](const nn::SamplingOptions& options, const std::vector<bool>& possible) {
        CAPTURE(options.temperature);
        CAPTURE(options.top_k);
        const Tape<double> tape;
        const auto step = [&](const Indices& tokens, const Var<double>& state) {
            return std::pair{broadcast_to(vector(logits), {tokens.values().size(), 5}), state};
        };
        nn::Generator generator(11);
        const auto written =
            nn::sample(step, input(filled({count}, 0)), {.max_length = 1}, generator, options);
        std::vector<double> share(5, 0);
        for (const auto& hypothesis : written)
            share[static_cast<std::size_t>(hypothesis.tokens[0])] += 1.0 / count;
        double total = 0;
        for (std::size_t o = 0; o < 5; ++o)
            if (possible[o]) total += std::exp(logits[o] / options.temperature);
        for (std::size_t o = 0; o < 5; ++o) {
            const double expected = possible[o] ? std::exp(logits[o] / options.temperature) / total : 0;
            CAPTURE(o);
            // Five standard deviations.
            CHECK(std::abs(share[o] - expected) <= 5 * std::sqrt(expected * (1 - expected) / count));
        }
    };
    check({}, {true, true, true, true, true});
    check({.temperature = 0.5}, {true, true, true, true, true});
    check({.temperature = 3}, {true, true, true, true, true});
    check({.top_k = 2}, {false, false, true, true, false});
    check({.temperature = 2, .top_k = 3}, {true, false, true, true, false});
    check({.top_k = 9}, {true, true, true, true, true});
}

TEST_CASE("sample: a token that is ruled out never comes, float, errors") {
    const float nothing = -std::numeric_limits<float>::infinity();
    const Tape<float> tape;
    const auto step = [&](const Indices& tokens, const Var<float>& state) {
        Tensor<float> row = rounded<float>(tensor({1, 3}, {0, 0, 0}));
        row(0, 0) = nothing;
        row(0, 2) = nothing;
        return std::pair{broadcast_to(row, {tokens.values().size(), 3}), state};
    };
    nn::Generator generator(1);
    const Var<float> state = input(rounded<float>(filled({500}, 0)));
    for (std::size_t top_k : {0U, 2U, 3U})
        for (const auto& hypothesis :
             nn::sample(step, state, {.max_length = 1}, generator, {.temperature = 9, .top_k = top_k}))
            CHECK(hypothesis.tokens == std::vector<std::ptrdiff_t>{1});
    const auto text = [&](double temperature) {
        return text_of<std::invalid_argument>(
            [&] { nn::sample(step, state, {}, generator, {.temperature = temperature}); });
    };
    CHECK(text(-1) == "sample: temperature is -1; it must be finite and not negative");
    CHECK(text(std::numeric_limits<double>::infinity()) != "");
    CHECK(text(std::nan("")) != "");
}
