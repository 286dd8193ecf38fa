#include <tests/expect.hpp>
#include <tests/nn/writer_model.hpp>

#include <autograd/ops/reduce.hpp>
#include <nn/decoding/beam_search.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t B = 3;
constexpr nn::DecodingLimits limits{.start = 3, .end = 0, .max_length = 4};

using Tokens = std::vector<std::ptrdiff_t>;

/// All that can be written, best first.
std::vector<nn::Hypothesis> exhaustive(const WriterModel& model, std::size_t row, double power) {
    std::vector<nn::Hypothesis> all;
    const auto add = [&](Tokens tokens, bool ended) {
        nn::Hypothesis one{tokens, 0, 0, ended};
        if (ended) tokens.push_back(0);
        one.log_probability = model.log_probability(row, 3, tokens);
        one.score = one.log_probability / std::pow(double(tokens.size()), power);
        all.push_back(one);
    };
    std::vector<Tokens> open{{}};
    for (std::size_t length = 0; length < 4; ++length) {
        std::vector<Tokens> longer;
        for (const Tokens& tokens : open) {
            add(tokens, true);
            for (std::ptrdiff_t token = 1; token < 4; ++token) {
                longer.push_back(tokens);
                longer.back().push_back(token);
            }
        }
        open = longer;
    }
    for (const Tokens& tokens : open) add(tokens, false);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    return all;
}

/// The search by its definition: every way on is scored from the start, and all are sorted.
std::vector<Tokens> naive_beam(const WriterModel& model, std::size_t row, std::size_t beams) {
    std::vector<Tokens> ended;
    std::vector<Tokens> open{{}};
    for (std::size_t t = 0; t < 4; ++t) {
        std::vector<std::pair<double, Tokens>> ways;
        for (const Tokens& tokens : open)
            for (std::ptrdiff_t token = 0; token < 4; ++token) {
                Tokens longer = tokens;
                longer.push_back(token);
                ways.emplace_back(-model.log_probability(row, 3, longer), longer);
            }
        std::sort(ways.begin(), ways.end());
        ways.resize(std::min(ways.size(), beams - ended.size()));
        open.clear();
        for (const auto& [cost, tokens] : ways) (tokens.back() == 0 ? ended : open).push_back(tokens);
    }
    ended.insert(ended.end(), open.begin(), open.end());
    std::sort(ended.begin(), ended.end(), [&](const Tokens& a, const Tokens& b) {
        return model.log_probability(row, 3, a) > model.log_probability(row, 3, b);
    });
    return ended;
}

}  // namespace

TEST_CASE("beam_search: with room for all it is exhaustive search") {
    const WriterModel model("exhaustive", B);
    const Tape<double> tape;
    for (double power : {0.0, 0.7, 2.0}) {
        CAPTURE(power);
        const auto found =
            nn::beam_search(model.step(), model.state(), limits, {.beams = 1000, .length_power = power});
        REQUIRE(found.size() == B);
        for (std::size_t row = 0; row < B; ++row) {
            const auto expected = exhaustive(model, row, power);
            REQUIRE(found[row].size() == expected.size());
            for (std::size_t i = 0; i < expected.size(); ++i) {
                CAPTURE(i);
                CHECK(found[row][i].tokens == expected[i].tokens);
                CHECK(found[row][i].ended == expected[i].ended);
                CHECK(found[row][i].log_probability ==
                      doctest::Approx(expected[i].log_probability).epsilon(1e-12));
                CHECK(found[row][i].score == doctest::Approx(expected[i].score).epsilon(1e-12));
            }
        }
    }
}

TEST_CASE("beam_search: a small beam keeps the best, and one less for each that has ended") {
    for (const char* seed : {"beam a", "beam b", "beam c"}) {
        const WriterModel model(seed, B);
        const Tape<double> tape;
        for (std::size_t beams = 1; beams <= 6; ++beams) {
            CAPTURE(beams);
            const auto found = nn::beam_search(model.step(), model.state(), limits, {.beams = beams});
            for (std::size_t row = 0; row < B; ++row) {
                std::vector<Tokens> tokens;
                for (const auto& hypothesis : found[row]) {
                    tokens.push_back(hypothesis.tokens);
                    if (hypothesis.ended) tokens.back().push_back(0);
                }
                CHECK(tokens == naive_beam(model, row, beams));
            }
        }
    }
}

TEST_CASE("beam_search: one beam is greedy") {
    const WriterModel model("greedy", 8);
    const Tape<double> tape;
    const auto greedy = nn::decode_greedy(model.step(), model.state(), limits);
    const auto found = nn::beam_search(model.step(), model.state(), limits, {.beams = 1});
    for (std::size_t row = 0; row < 8; ++row) {
        REQUIRE(found[row].size() == 1);
        CHECK(found[row][0].tokens == greedy[row].tokens);
        CHECK(found[row][0].ended == greedy[row].ended);
        CHECK(found[row][0].log_probability == greedy[row].log_probability);
    }
    // Of equal ways the first, as greedy takes it.
    const auto even = [](const Indices& tokens, const Var<double>& state) {
        return std::pair{input(filled({tokens.values().size(), 3}, 0)), state};
    };
    CHECK(nn::beam_search(even, input(filled({1}, 0)), {.max_length = 3}, {.beams = 1})[0][0].tokens ==
          Tokens{0, 0, 0});
}

TEST_CASE("beam_search: the memory does not grow, and what is ruled out is not followed") {
    const WriterModel model("greedy", B);
    Tape<double> tape;
    std::vector<std::size_t> bytes;
    const auto step = [&, inner = model.step()](const Indices& tokens, const WriterModel::State& before) {
        const auto result = inner(tokens, before);
        bytes.push_back(Tape<double>::current().statistics().value_bytes);
        return result;
    };
    const auto state = model.state();
    const std::size_t size = tape.size();
    nn::beam_search(step, state, {.start = 3, .max_length = 40}, {.beams = 4});
    CHECK(tape.size() == size);
    for (std::size_t t = 2; t < 40; ++t) CHECK(bytes[t] == bytes[1]);

    const double nothing = -std::numeric_limits<double>::infinity();
    const auto narrow = [&](const Indices& tokens, const Var<double>& same) {
        return std::pair{
            input(generate({tokens.values().size(), 3},
                           [&](const Position& i) { return i[1] == 1 ? nothing : double(i[1]); })),
            same};
    };
    const auto found = nn::beam_search(narrow, input(filled({1}, 0)), {.max_length = 2}, {.beams = 9});
    CHECK(found[0].size() == 4);
    for (const auto& hypothesis : found[0])
        CHECK(std::count(hypothesis.tokens.begin(), hypothesis.tokens.end(), 1) == 0);
}

TEST_CASE("beam_search: errors, and no rows") {
    const WriterModel model("greedy", 0);
    const Tape<double> tape;
    CHECK(nn::beam_search(model.step(), model.state(), limits).empty());
    const auto text = [&](const nn::BeamOptions& options) {
        return text_of<std::invalid_argument>(
            [&] { nn::beam_search(model.step(), model.state(), limits, options); });
    };
    CHECK(contains(text({.beams = 0}), "beam_search: beams is 0 and length_power 0;"));
    CHECK(text({.length_power = std::nan("")}) != "");
}
