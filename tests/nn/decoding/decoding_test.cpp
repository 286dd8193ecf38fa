#include <tests/expect.hpp>
#include <tests/nn/writer_model.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/reduce.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t B = 6;
constexpr nn::DecodingLimits limits{.start = 3, .end = 0, .max_length = 7};

}  // namespace

TEST_CASE("decode_greedy: takes the most likely token every time, each row by itself") {
    const WriterModel model("greedy", B);
    const Tape<double> tape;
    const std::vector<nn::Hypothesis> written = nn::decode_greedy(model.step(), model.state(), limits);
    REQUIRE(written.size() == B);
    std::size_t ended = 0;
    for (std::size_t row = 0; row < B; ++row) {
        CAPTURE(row);
        std::vector<std::ptrdiff_t> tokens;
        std::vector<double> h = model.start(row);
        double total = 0;
        std::ptrdiff_t token = 3;
        while (tokens.size() < 7) {
            const auto next = model.after(row, token, h);
            const auto best = std::max_element(next.log_probabilities.begin(), next.log_probabilities.end());
            token = best - next.log_probabilities.begin();
            total += *best;
            h = next.h;
            if (token == 0) break;
            tokens.push_back(token);
        }
        CHECK(written[row].tokens == tokens);
        CHECK(written[row].ended == (token == 0));
        CHECK(written[row].log_probability == doctest::Approx(total).epsilon(1e-12));
        CHECK(written[row].score == written[row].log_probability);
        ended += written[row].ended ? 1U : 0U;
    }
    CHECK(ended > 0);  // or the case says less than it seems to
    CHECK(ended < B);
}

TEST_CASE("decode_greedy: nothing is recorded, and no step sees more than the one before") {
    const WriterModel model("memory", B);
    Tape<double> tape;
    const auto state = model.state();
    const std::size_t size = tape.size();
    std::vector<std::size_t> sizes;
    std::vector<std::size_t> bytes;
    std::vector<const double*> handed_on;
    const auto step = [&, inner = model.step()](const Indices& tokens, const WriterModel::State& before) {
        handed_on.push_back(before.second[0].array().data());
        const auto result = inner(tokens, before);
        Tape<double>& own = Tape<double>::current();
        CHECK(&own != &tape);
        CHECK(!own.recording());
        sizes.push_back(own.size());
        bytes.push_back(own.statistics().value_bytes);
        return result;
    };
    nn::decode_greedy(step, state, {.start = 3, .max_length = 50});
    CHECK(&Tape<double>::current() == &tape);
    CHECK(tape.size() == size);
    REQUIRE(sizes.size() == 50);
    for (std::size_t t = 1; t < 50; ++t) {
        CHECK(sizes[t] == sizes[0]);
        CHECK(bytes[t] == bytes[0]);
        CHECK(handed_on[t] == handed_on[0]);  // what does not change is not copied
    }
}

TEST_CASE("decode_greedy: rows that have ended are no longer computed") {
    const WriterModel model("greedy", B);
    const Tape<double> tape;
    std::vector<std::size_t> rows;
    const auto step = [&, inner = model.step()](const Indices& tokens, const WriterModel::State& state) {
        rows.push_back(tokens.values().size());
        CHECK(state.first.shape()[0] == rows.back());
        return inner(tokens, state);
    };
    const auto written = nn::decode_greedy(step, model.state(), limits);
    for (std::size_t t = 0; t < rows.size(); ++t)
        CHECK(rows[t] == static_cast<std::size_t>(std::count_if(
                             written.begin(), written.end(),
                             [&](const auto& hypothesis) { return hypothesis.tokens.size() >= t; })));
}

TEST_CASE("decode_greedy: no length, no rows, all rows ending, no end") {
    const WriterModel model("greedy", B);
    const Tape<double> tape;
    const auto none = nn::decode_greedy(model.step(), model.state(), {.start = 3, .end = 0, .max_length = 0});
    REQUIRE(none.size() == B);
    CHECK(none[0].tokens.empty());
    CHECK(none[0].log_probability == 0);
    CHECK(!none[0].ended);
    const auto endless = nn::decode_greedy(model.step(), model.state(), {.start = 3, .max_length = 9});
    for (const auto& hypothesis : endless) CHECK(hypothesis.tokens.size() == 9);
    const WriterModel empty("greedy", 0);
    CHECK(nn::decode_greedy(empty.step(), empty.state(), limits).empty());
    std::size_t steps = 0;
    const auto ends = [&](const Indices& tokens, const Var<double>& state) {
        ++steps;
        return std::pair{input(filled({tokens.values().size(), 1}, 2)), state};
    };
    const auto ended = nn::decode_greedy(ends, input(filled({2, 1}, 0)), limits);
    CHECK(steps == 1);
    CHECK(ended[1].ended);
    CHECK(ended[1].log_probability == 0);
}

TEST_CASE("decode_greedy: a tie goes to the first, in float too, tokens that are ruled out are never taken") {
    const float nothing = -std::numeric_limits<float>::infinity();
    const Tape<float> tape;
    Tensor<float> row = rounded<float>(tensor({1, 4}, {1, 2, 2, 0}));
    const auto step = [&](const Indices&, const Var<float>& state) { return std::pair{input(row), state}; };
    const auto first = [&] {
        return nn::decode_greedy(step, input(rounded<float>(filled({1}, 0))), {.max_length = 1})[0];
    };
    CHECK(first().tokens == std::vector<std::ptrdiff_t>{1});
    row(0, 1) = nothing;
    row(0, 2) = nothing;
    CHECK(first().tokens == std::vector<std::ptrdiff_t>{0});
    CHECK(first().log_probability == doctest::Approx(-std::log1p(std::exp(-1.0))).epsilon(1e-6));
}

TEST_CASE("decode_greedy: errors") {
    const Tape<double> tape;
    const auto text = [](const Tensor<double>& logits, const auto& state, nn::DecodingLimits some = limits) {
        const auto step = [&](const Indices&, const auto& same) { return std::pair{input(logits), same}; };
        return text_of<std::invalid_argument>([&] { nn::decode_greedy(step, state, some); });
    };
    const Var<double> two = input(filled({2, 3}, 0));
    const double nan = std::nan("");
    const double inf = std::numeric_limits<double>::infinity();
    CHECK(text(filled({3, 4}, 0), two) ==
          "decode_greedy: the step's logits are [3, 4] for 2 tokens; they must be [2, O]");
    CHECK(text(filled({2}, 0), two) != "");
    CHECK(text(filled({2, 4}, 0), two, {.end = 4}) ==
          "decode_greedy: the end token is 4; logits are [2, 4], so it must be in 0..3");
    CHECK(text(filled({2, 4}, 0), two, {.end = -1}) != "");
    CHECK(text(filled({2, 4}, 0), two, {.end = 3}) == "");
    for (const std::vector<double>& row :
         {std::vector{0.0, nan, 0.0}, std::vector{-inf, -inf, -inf}, std::vector{0.0, 0.0, inf}}) {
        std::vector<double> both{1, 2, 3};
        both.insert(both.end(), row.begin(), row.end());
        CHECK(text(tensor({2, 3}, both), two, {}) ==
              "decode_greedy: the logits of row 1 at t=0 have no finite largest one to choose");
    }
    CHECK(text(filled({2, 0}, 0), two, {}) != "");
    CHECK(text(filled({2, 4}, 0), std::pair{two, input(filled({3}, 0))}) ==
          "decode_greedy: the state has a part [3] where others, or the tokens, have 2 rows");
    CHECK(contains(text(filled({2, 4}, 0), input(filled({}, 0))), "has a part without axes"));
    CHECK(contains(text(filled({2, 4}, 0), std::vector<Var<double>>{}),
                   "the state has a part without axes, or"));
    const auto shrinking = [](const Indices&, const Var<double>&) {
        return std::pair{input(filled({2, 4}, 0)), input(filled({1, 3}, 0))};
    };
    CHECK(text_of<std::invalid_argument>([&] { nn::decode_greedy(shrinking, two, limits); }) ==
          "decode_greedy: the step's state has a part [1, 3] where others, or the tokens, have 2 rows");
}
