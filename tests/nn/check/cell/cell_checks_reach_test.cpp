#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>
#include <nn/study/truncation_report.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

// What the checks of cells have to reach: every part of a state, parameters in the initial state, a source
// that is open, and numbers that are not finite or tiny.

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 4;

using D = Var<double>;

Tensor<double> sequence(std::size_t T, std::size_t B) { return Random(7).tensor({T, B, I}, -1.5, 1.5); }

struct PlainCell {
    Parameter<double> U{"U", Random(1).tensor({I, H})};
    Parameter<double> W{"W", Random(2).tensor({H, H})};

    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    ParameterList<double> parameters() { return parameter_list(U, W); }
    D next(const D& x, const D& h) const { return tanh(matmul(x, U) + matmul(h, W)); }
    auto step(const D& x, const D& h) const {
        const D h_next = next(x, h);
        return std::pair{h_next, h_next};
    }
};

const auto wrong_sigmoid = custom(
    "wrong_sigmoid", [](const auto& a) { return sigmoid(a); },
    [](const auto& g, const auto& y, const auto&) { return g * y; });  // (1 - y) is missing

/// Two gates, of which the second may have a wrong rule, and a count of the steps that is a scalar.
struct CountingCell {
    bool is_right = true;
    Parameter<double> U{"U", Random(1).tensor({I, 2 * H})};
    Parameter<double> W{"W", Random(2).tensor({H, 2 * H})};

    std::pair<D, D> initial_state(std::size_t batch) const {
        return {input(nn::zeros<double>({batch, H})), input(nn::zeros<double>({}))};
    }
    static constexpr std::array<std::string_view, 2> gate_names() { return {"content", "keep"}; }
    ParameterList<double> parameters() { return parameter_list(U, W); }
    auto step(const D& x, const std::pair<D, D>& state) const {
        const D a = matmul(x, U) + matmul(state.first, W);
        const D content = tanh(slice(a, 1, 0, H));
        const D own = slice(a, 1, H, 2 * H);
        const D keep = is_right ? sigmoid(own) : wrong_sigmoid(own);
        const D h = keep * state.first + (1.0 - keep) * content;
        return std::pair{h, std::pair{h, state.second + 1.0}};
    }
};

struct NanCell : PlainCell {
    auto step(const D& x, const D& h) const {
        const D h_next = next(x, h) + 0.0 * log(input(filled({1}, -1)));
        return std::pair{h_next, h_next};
    }
};

/// The slope of a root at 0 is infinite.
struct RootCell : PlainCell {
    auto step(const D& x, const D& h) const {
        const D h_next = next(x, h) + sqrt(0.0 * h);
        return std::pair{h_next, h_next};
    }
};

struct LearnedStartCell : PlainCell {
    Parameter<double> h0{"h0", Random(3).tensor({H})};
    bool is_taken_off = false;

    D initial_state(std::size_t batch) const {
        const D start = is_taken_off ? input(h0.value()) : input(h0);
        return input(nn::zeros<double>({batch, H})) + start;
    }
    ParameterList<double> parameters() { return parameter_list(U, W, h0); }
};

/// Reads the mean of a source, weighed by V, whose gradient is lost; there is none at the start.
struct ReadingCell : PlainCell {
    Parameter<double> V{"V", Random(4).tensor({H})};

    std::pair<D, D> initial_state(std::size_t batch) const {
        return {input(nn::zeros<double>({batch, H})), input(nn::zeros<double>({batch, 0, H}))};
    }
    ParameterList<double> parameters() { return parameter_list(U, W, V); }
    auto step(const D& x, const std::pair<D, D>& state) const {
        const D read = sum(state.second * detach(input(V)), {1});
        const D h = next(x, state.first) + read;
        return std::pair{h, std::pair{h, state.second}};
    }
};

/// Reads a sequence by itself, and returns the wrong state.
struct WrongEndLayer : PlainCell {
    nn::Unrolled<double, D> unroll(const D& x, const D& state, const nn::UnrollOptions&) const {
        D h = state;
        std::vector<D> outputs;
        for (const D& at_t : unstack(x)) {
            h = next(at_t, h);
            outputs.push_back(h);
        }
        return {stack(outputs), outputs.front(), {}};
    }
};

auto attending() {
    nn::Generator generator(4);
    return nn::AttentionCell(nn::ElmanCell<double>(I + H, H, generator),
                             nn::AdditiveAttention<double>(H, H, 5, generator), H);
}

double largest_by(const nn::BpttReport& report, const std::string& name) {
    for (const CheckedInput& input : report.differences.inputs)
        if (input.name == name) return input.largest;
    FAIL("there is no gradient by " << name);
    return 0;
}

template <class Report>
void check_passes(const Report& report) {
    CHECK_MESSAGE(report.passed(), report.text());
}

template <class Report>
void check_fails(const Report& report, const std::string& sentence) {
    CHECK_FALSE(report.passed());
    CHECK_MESSAGE(contains(report.text(), sentence), report.text());
}

}  // namespace

TEST_CASE("checks of cells: a state whose last part is a scalar, and the gates of the others") {
    check_passes(nn::check_cell(CountingCell(), sequence(4, 3)));
    check_passes(nn::verify_bptt(CountingCell(), sequence(4, 3)));
    check_fails(nn::check_cell(CountingCell{false}, sequence(4, 3)), "keep");
    const nn::BpttReport report = nn::verify_bptt(CountingCell{false}, sequence(4, 3));
    check_fails(report, "gate keep");
}

TEST_CASE("verify_bptt: outputs and gradients that are not finite are told as such") {
    check_fails(nn::verify_bptt(NanCell(), sequence(4, 2)), "the outputs are not finite: nan at [0, 0, 0]");
    const nn::BpttReport report = nn::verify_bptt(RootCell(), sequence(4, 2));
    check_fails(report, "is not finite");
    CHECK(contains(report.text(), "the gradient by "));
    CHECK(contains(report.text(), ".watch = true"));
    CHECK(report.findings.size() == 1);
}

TEST_CASE("verify_bptt: an initial state that is learned") {
    LearnedStartCell cell;
    for (bool is_random : {true, false}) {
        const nn::BpttReport report =
            nn::verify_bptt(cell, sequence(4, 3), {.random_initial_state = is_random});
        check_passes(report);
        CHECK(largest_by(report, "h0") > 0.01);
        for (const nn::BpttWay& way : report.ways)
            if (!way.totals.empty()) CHECK(way.totals[2].largest > 0.01);
    }
    // It is the loss's own gradient.
    const Tape<double> tape;
    const auto unrolled = nn::unroll(cell, sequence(4, 3));
    const Gradients<double> expected = gradient(sum(unrolled.outputs), {cell.h0, cell.W});
    const nn::BpttReport of_loss =
        nn::verify_bptt(cell, sequence(4, 3), [](const auto& outputs) { return sum(outputs); },
                        {.random_initial_state = false});
    CHECK(largest_by(of_loss, "h0") == doctest::Approx(nn::detail::largest_of(expected.at(0))));
    CHECK(largest_by(of_loss, "W") == doctest::Approx(nn::detail::largest_of(expected.at(1))));

    cell.is_taken_off = true;
    check_fails(nn::verify_bptt(cell, sequence(4, 3)), "the initial state differentiates wrongly");
    check_fails(nn::verify_bptt(cell, sequence(4, 3), {.forward_limit = 1}),
                "the initial state differentiates wrongly");
}

TEST_CASE("verify_bptt: a source that is empty at the start is read all the same") {
    const nn::BpttReport report = nn::verify_bptt(attending(), sequence(3, 2));
    check_passes(report);
    // The keys, of attention/U, are made before the sequence is read.
    for (const std::string name : {"attention/W", "attention/v", "state[3]", "state[4]"})
        CHECK_MESSAGE(largest_by(report, name) > 0, name);
    CHECK_FALSE(nn::verify_bptt(ReadingCell(), sequence(3, 2)).passed());
    const nn::BpttReport closed =
        nn::verify_bptt(ReadingCell(), sequence(3, 2), {.random_initial_state = false});
    check_passes(closed);
    CHECK(contains(closed.text(), "warning: state[1] is [2, 0, 4] at the start"));
}

TEST_CASE("verify_bptt: a layer whose own unroll ends in another state") {
    check_fails(nn::verify_bptt(WrongEndLayer(), sequence(4, 2)), "another final state");
    check_passes(nn::verify_bptt(WrongEndLayer(), sequence(1, 2)));
}

TEST_CASE("truncation_report: warns of a source that is empty at the start") {
    const std::string text = nn::truncation_report(attending(), sequence(4, 2), {1, 4}).text();
    CHECK_MESSAGE(contains(text, "warning: state[4] is [2, 0, 4] at the start"), text);
    CHECK(nn::truncation_report(PlainCell(), sequence(4, 2), {1, 4}).warnings.empty());
}

TEST_CASE("truncation_report: tiny gradients compare as others do") {
    const auto scaled = [](double by) {
        return nn::truncation_report(PlainCell(), sequence(5, 2), [by](const auto& h) { return by * sum(h); },
                                     {1, 2, 5});
    };
    const nn::TruncationReport plain = scaled(1);
    for (double by : {1e-200, 1e200}) {
        const nn::TruncationReport other = scaled(by);
        for (std::size_t i = 0; i < plain.entries.size(); ++i) {
            CHECK(other.entries[i].cosine == doctest::Approx(plain.entries[i].cosine));
            CHECK(other.entries[i].ratio == doctest::Approx(plain.entries[i].ratio));
        }
        for (std::size_t d = 0; d < 5; ++d)
            CHECK(other.by_distance[d].back() / by == doctest::Approx(plain.by_distance[d].back()));
    }
    CHECK(plain.at("all", 1).cosine < 0.999);
}

TEST_CASE("truncation_report: a path with a comma is one field of the CSV") {
    PlainCell cell;
    cell.U = Parameter<double>("in,\"out\"", cell.U.value());
    CHECK(contains(nn::truncation_report(cell, sequence(3, 2), {1}).csv(), "\n\"in,\"\"out\"\"\",1,"));
}
