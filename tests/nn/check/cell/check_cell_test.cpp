#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/check/doctest.hpp>
#include <nn/nn.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

nn::Generator& generator() {
    static nn::Generator one(3);
    return one;
}

/// All of a cell in a few lines: h' = tanh(x U + h W + b).
struct PlainElman {
    Parameter<double> U{"U", Random(1).tensor({3, 5})};
    Parameter<double> W{"W", Random(2).tensor({5, 5})};
    Parameter<double> b{"b", Random(3).tensor({5})};

    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, 5}, 0)); }
    std::pair<Var<double>, Var<double>> step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(matmul(x, U) + matmul(h, W) + b);
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W, b); }
};

template <class T>
struct PlainGated {
    Parameter<T> U, W;

    PlainGated(std::size_t inputs, std::size_t hidden, nn::Generator& random)
        : U("U", nn::xavier_uniform<T>({inputs, 2 * hidden}, random)),
          W("W", nn::xavier_uniform<T>({hidden, 2 * hidden}, random)) {}
    Var<T> initial_state(std::size_t batch) const { return input(nn::zeros<T>({batch, W.shape()[0]})); }
    Var<T> project(const Var<T>& x) const { return matmul(x, U); }
    auto step(const Var<T>& u, const Var<T>& h) const {
        const Var<T> next = map(
            [](auto gates, auto state) {
                auto [forget, candidate] = gates;
                auto f = sigmoid(forget);
                return f * state + (1 - f) * tanh(candidate);
            },
            gates<2>(u + matmul(h, W)), h);
        return std::pair{next, next};
    }
    ParameterList<T> parameters() { return parameter_list(U, W); }
};

/// Makes a cell with an option that no (inputs, hidden, generator) tells.
template <class T>
struct Scaled : PlainGated<T> {
    double scale = 1;
    using PlainGated<T>::PlainGated;
    auto step(const Var<T>& u, const Var<T>& h) const { return PlainGated<T>::step(scale * u, h); }
};

}  // namespace

TEST_CASE("check_cell: a cell of a few lines passes, and the report says what was found") {
    PlainElman cell;
    const Tensor<double> U = cell.U.value();
    const std::uint64_t version = cell.U.storage()->version;
    const nn::CellReport report = nn::check_cell(cell, 3);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.failed().empty());
    CHECK(report.items.size() == 19);
    CHECK(report.time_steps == 4);
    CHECK(report.batch == 3);
    CHECK(report.inputs == 3);
    CHECK(report.in_double);
    CHECK(report["shapes"].text == "outputs [4, 3, 5], and the state keeps its shape");
    CHECK(report["gradient of the parameters"].text == "45 elements agree with differences");
    CHECK(contains(report["padded batch"].text, "4, 2, 0"));
    CHECK(report.gradient.inputs.size() > 5);
    CHECK(contains(report.text(), "cell check passed: T=4 B=3 I=3, double"));
    CHECK(contains(text_of<std::invalid_argument>([&] { static_cast<void>(report["shape"]); }),
                   "there is no item 'shape'; there are 'initial state', 'shapes'"));
    check_same_bits(cell.U.value(), U);
    CHECK(cell.U.storage()->version == version);
}

TEST_CASE("check_cell: the same seed gives the same report") {
    PlainElman cell;
    nn::CellCheckOptions options{.seed = 5};
    const auto largest = [&] { return nn::check_cell(cell, 3, options).gradient.inputs.at(0).largest; };
    const double first = largest();
    CHECK(largest() == first);
    CHECK(nn::check_cell(cell, 3, options).items.size() == 19);
    options.seed = 6;
    CHECK(largest() != first);
    options.order = 1;
    CHECK(nn::check_cell(cell, 3, options).items.size() == 18);
    // A looser tolerance changes nothing else.
    options = {.gradient = {.relative = 1e-4}};
    CHECK(nn::check_cell(cell, 3, options).items.size() == 19);
}

TEST_CASE("CHECK_CELL: every cell of the library, and what is built around them") {
    using nn::LstmCell;
    CHECK_CELL(nn::ElmanCell<double>(3, 4, generator()), 3);
    CHECK_CELL(nn::ElmanCell<double>(3, 4, generator(), {nn::Activation::sigmoid}), 3);
    CHECK_CELL(nn::ElmanCell<double>(3, 4, generator(), {nn::Activation::relu}), 3);
    CHECK_CELL(LstmCell<double>(3, 4, generator()), 3);
    CHECK_CELL(nn::MinimalGruCell<double>(3, 4, generator()), 3);
    for (const nn::Update update : {nn::Update::keeps, nn::Update::takes}) {
        CHECK_CELL(nn::GruCell<double>(3, 4, generator(), {.update = update}), 3);
        CHECK_CELL(nn::ResetBeforeGruCell<double>(3, 4, generator(), {.update = update}), 3);
    }
    CHECK_CELL(nn::MinGruCell<double>(3, 4, generator()), 3);
    CHECK_CELL(nn::MinLstmCell<double>(3, 4, generator()), 3);
    CHECK_CELL(nn::SruCell<double>(3, 4, generator()), 3);
    CHECK_CELL(nn::SruCell<double>(3, 3, generator()), 3);
    CHECK_CELL(nn::QrnnCell<double>(3, 4, generator()), 3);
    CHECK_CELL(nn::SelectiveSsmCell<double>(3, 2, generator()), 3);
    CHECK_CELL(nn::LruCell<double>(3, 2, generator()), 3);
    for (unsigned bits = 0; bits < 16; ++bits) {
        nn::LstmVariantOptions options;
        options.peephole = (bits & 1U) != 0;
        options.coupled = (bits & 2U) != 0;
        options.projection = (bits & 4U) != 0 ? 3 : 0;
        options.layer_norm = (bits & 8U) != 0;
        options.layer_norm_epsilon = 0.1;
        CHECK_CELL(nn::LstmVariantCell<double>(3, 4, generator(), options), 3);
    }
    CHECK_CELL(nn::Zoneout(LstmCell<double>(3, 4, generator())), 3);
    CHECK_CELL(nn::RecurrentDropout(LstmCell<double>(3, 4, generator()), 0.3), 3);
    CHECK_CELL(nn::Residual(nn::GruCell<double>(3, 3, generator())), 3);
    CHECK_CELL(nn::Reversed(LstmCell<double>(3, 2, generator())), 3);
    CHECK_CELL(nn::Bidirectional(LstmCell<double>(3, 2, generator()), LstmCell<double>(3, 2, generator())),
               3);
    CHECK_CELL(nn::AttentionCell(nn::GruCell<double>(5, 3, generator()),
                                 nn::AdditiveAttention<double>(3, 2, 4, generator()), 2),
               3);
    CHECK_CELL(
        nn::Stack<double>(LstmCell<double>(3, 2, generator()), nn::ElmanCell<double>(2, 3, generator()),
                          nn::Linear<double>(3, 2, generator())),
        3);
    nn::Stack<double> both(
        nn::Bidirectional(nn::ElmanCell<double>(3, 2, generator()), nn::ElmanCell<double>(3, 2, generator())),
        LstmCell<double>(4, 2, generator()));
    const nn::CellReport report = nn::check_cell(both, 3);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report["step by step"].verdict == nn::CellVerdict::not_applicable);
    CHECK(report["save and restore"].verdict == nn::CellVerdict::not_applicable);
}

TEST_CASE("check_cell: a float cell is checked in double if it is a template, and warned of if not") {
    nn::LstmCell<float> lstm(3, 4, generator());
    const nn::CellReport in_double = nn::check_cell(lstm, 3);
    CHECK_MESSAGE(in_double.passed(), in_double.text());
    CHECK(in_double.in_double);
    CHECK(in_double.warnings.empty());
    PlainGated<float> gated(3, 4, generator());
    CHECK(nn::check_cell(gated, 3).in_double);
    // Its double would do something else.
    Scaled<float> scaled(3, 4, generator());
    CHECK(nn::check_cell(scaled, 3).in_double);
    scaled.scale = 0.5;
    const nn::CellReport coarse = nn::check_cell(scaled, 3);
    CHECK_MESSAGE(coarse.passed(), coarse.text());
    CHECK(!coarse.in_double);
    CHECK(contains(coarse.text(), "checked in float"));
    nn::AnyLayer<float> any(std::ref(lstm));
    CHECK(!nn::check_cell(any, 3).in_double);
}

TEST_CASE("check_cell: what cannot be checked is refused with the shape") {
    PlainElman cell;
    for (const Shape& shape : {Shape{2, 2, 3}, Shape{4, 1, 3}, Shape{4, 3}, Shape{4, 3, 0}})
        CHECK(contains(text_of<std::invalid_argument>([&] { nn::check_cell(cell, filled(shape, 0)); }),
                       "check_cell: x is " + shape.text()));
}

TEST_CASE("check_cell: an LSTM of 20 units over 10 steps is checked element by element") {
    nn::LstmCell<double> cell(20, 20, generator());
    const nn::CellReport report = nn::check_cell(cell, 20, {.time_steps = 10, .batch = 2, .order = 1});
    CHECK_MESSAGE(report.passed(), report.text());
    std::size_t compared = 0;
    for (const CheckedInput& one : report.gradient.inputs) compared += one.compared;
    CHECK(compared == 20 * 80 + 20 * 80 + 80 + 10 * 2 * 20 + 2 * 2 * 20);
}

TEST_CASE("CHECK_CELL: a failure has the report and a line that runs the test again") {
    struct Unlisted : PlainElman {
        ParameterList<double> parameters() { return parameter_list(U, W); }
    };
    Unlisted cell;
    const std::string text =
        tapeloop::detail::failure_text(nn::check_cell(cell, 3, {.seed = 9, .order = 1}),
                                       "check_cell(cell, 3)", tapeloop::detail::doctest_filter());
    for (const char* part : {"check_cell(cell, 3)", "FAILED", "reads 'b'", "TAPELOOP_CHECK_SEED=9",
                             "--test-case='CHECK_CELL: a failure has"})
        CHECK_MESSAGE(contains(text, part), text);
}
