#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/nn.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

// Mistakes that single items of `check_cell` have to see, and twins in double that are none.

namespace {

using D = Var<double>;

nn::Generator& generator() {
    static nn::Generator one(5);
    return one;
}

/// An Elman cell in plain operations that may cut its state off.
template <class T>
struct Cuttable {
    Parameter<T> U, W;
    bool is_cut = false;

    Cuttable(std::size_t inputs, std::size_t hidden, nn::Generator& random)
        : U("U", nn::xavier_uniform<T>({inputs, hidden}, random)),
          W("W", nn::xavier_uniform<T>({hidden, hidden}, random)) {}
    Var<T> initial_state(std::size_t batch) const { return input(nn::zeros<T>({batch, W.shape()[0]})); }
    std::pair<Var<T>, Var<T>> step(const Var<T>& x, const Var<T>& h) const {
        const Var<T> next = tanh(matmul(x, U) + matmul(is_cut ? detach(h) : h, W));
        return {next, next};
    }
    ParameterList<T> parameters() { return parameter_list(U, W); }
};

/// Reads a sequence by itself; of one without steps its outputs are `width` wide.
struct OwnLoop : Cuttable<double> {
    std::size_t width = 4;
    std::size_t cut_at = 100;

    OwnLoop() : Cuttable<double>(3, 4, generator()) {}
    nn::Unrolled<double, D> unroll(const D& x, const D& state, const nn::UnrollOptions&) const {
        if (x.shape()[0] == 0) return {input(nn::zeros<double>({0, x.shape()[1], width})), state, {}};
        D h = state;
        std::vector<D> outputs;
        for (const D& at_t : unstack(x)) {
            if (outputs.size() == cut_at) h = detach(h);
            h = step(at_t, h).second;
            outputs.push_back(h);
        }
        return {stack(outputs), h, {}};
    }
};

const auto wrong_double = custom(
    "wrong_double", [](const auto& x) { return 2.0 * x; },
    [](const auto& g, const auto&, const auto&) { return g; });

/// Its weights are called as other inputs are, and the gradient by one of them is wrong.
struct OddNames {
    Parameter<double> x{"x", Random(1).tensor({3, 4})};
    Parameter<double> state{"state", Random(2).tensor({4, 4})};
    bool is_right = true;

    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, 4})); }
    std::pair<D, D> step(const D& given, const D& h) const {
        const D twice = is_right ? 2.0 * input(x) : wrong_double(input(x));
        const D next = tanh(matmul(given, twice) + matmul(h, state));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(x, state); }
};

struct Kinked {
    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, 2})); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = relu(x) + 0.5 * h;
        return {next, next};
    }
    ParameterList<double> parameters() { return {}; }
};

template <class C>
bool is_checked_in_double(C&& cell) {
    return nn::check_cell(cell, 3, {.order = 1}).in_double;
}

}  // namespace

TEST_CASE("check_cell: a twin in double must have the same gradients") {
    Cuttable<float> cell(3, 4, generator());
    CHECK(is_checked_in_double(cell));
    cell.is_cut = true;
    const nn::CellReport report = nn::check_cell(cell, 3);
    CHECK_FALSE(report.in_double);
    CHECK_MESSAGE(!report.passed(), report.text());
}

TEST_CASE("check_cell: a twin in double must reach the same limits") {
    CHECK(is_checked_in_double(nn::LstmVariantCell<float>(3, 4, generator())));
    CHECK_FALSE(is_checked_in_double(nn::LstmVariantCell<float>(3, 4, generator(), {.cell_clip = 3})));
}

TEST_CASE("check_cell: the library's cells of float have their twins") {
    for (int run = 0; run < 5; ++run) {
        CHECK(is_checked_in_double(nn::ElmanCell<float>(3, 4, generator())));
        CHECK(is_checked_in_double(nn::LstmCell<float>(3, 4, generator())));
        CHECK(is_checked_in_double(nn::GruCell<float>(3, 4, generator())));
        CHECK(is_checked_in_double(nn::ResetBeforeGruCell<float>(3, 4, generator())));
        CHECK(is_checked_in_double(nn::MinimalGruCell<float>(3, 4, generator())));
    }
}

TEST_CASE("check_cell: without time steps the outputs are as wide as with some") {
    OwnLoop layer;
    CHECK(nn::check_cell(layer, 3, {.order = 1})["T = 0"].verdict == nn::CellVerdict::passed);
    layer.width = 1;
    const nn::CellReport report = nn::check_cell(layer, 3, {.order = 1});
    CHECK(report["T = 0"].verdict == nn::CellVerdict::failed);
    CHECK_MESSAGE(contains(report["T = 0"].text, "[0, 3, 1]"), report.text());
}

TEST_CASE("check_cell: the gradient by x behind a restored state") {
    OwnLoop layer;
    CHECK(nn::check_cell(layer, 3, {.order = 1})["save and restore"].verdict == nn::CellVerdict::passed);
    layer.cut_at = 2;
    const nn::CellReport report = nn::check_cell(layer, 3, {.order = 1});
    CHECK_MESSAGE(contains(report["save and restore"].text, "gradient by x"), report.text());
}

TEST_CASE("check_cell: a parameter that is called x is no input") {
    OddNames cell;
    CHECK(nn::check_cell(cell, 3, {.order = 1}).passed());
    cell.is_right = false;
    const nn::CellReport report = nn::check_cell(cell, 3, {.order = 1});
    CHECK(report["gradient of x"].verdict == nn::CellVerdict::passed);
    CHECK(report["gradient of the initial state"].verdict == nn::CellVerdict::passed);
    CHECK(report["gradient of x"].text == "36 elements agree with differences");
    CHECK_MESSAGE(contains(report["gradient of the parameters"].text, "parameter x"), report.text());
}

TEST_CASE("check_cell: what is undecided does not count as agreeing") {
    Tensor<double> x = Random(3).tensor({3, 2, 2}, 0.5, 1);
    x.data()[0] = 0;
    Kinked cell;
    const nn::CellReport report = nn::check_cell(cell, x, {.order = 1});
    CHECK(report["gradient of x"].text == "11 elements agree with differences; 1 undecided");
}
