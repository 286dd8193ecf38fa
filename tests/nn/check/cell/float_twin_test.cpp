#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/nn.hpp>

// A cell of float, which is checked in double, against its twin.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// h = tanh(x U + h W); in float alone its rule is off by a factor, less than float's differences tell.
template <class T>
struct CellOfBoth {
    Parameter<T> U;
    Parameter<T> W;
    double off;

    explicit CellOfBoth(double factor = 1)
        : U("U", rounded<T>(Random(1).tensor({2, 3}))),
          W("W", rounded<T>(Random(2).tensor({3, 3}))),
          off(factor) {}
    explicit CellOfBoth(const CellOfBoth<float>& other) requires std::same_as<T, double>
        : CellOfBoth(other.off) {}

    Var<T> initial_state(std::size_t batch) const { return input(nn::zeros<T>({batch, 3})); }
    auto step(const Var<T>& x, const Var<T>& h) const {
        const double factor = std::same_as<T, float> ? off : 1;
        const auto my_tanh = custom(
            "my_tanh", [](const auto& v) { return tanh(v); },
            [factor](const auto& g, const auto& y, const auto&) { return factor * g * (1 - y * y); });
        const Var<T> next = my_tanh(matmul(x, U) + matmul(h, W));
        return std::pair{next, next};
    }
    ParameterList<T> parameters() { return parameter_list(U, W); }
};

}  // namespace

TEST_CASE("check_cell: a cell of float agrees with its twin in double") {
    CellOfBoth<float> cell;
    const nn::CellReport report = nn::check_cell(cell, 2, {.order = 1});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report["float"].verdict == nn::CellVerdict::passed);
    CHECK(contains(report["float"].text, "those of double within"));
    nn::Generator generator(1);
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        nn::LstmCell<float> lstm(3, 4, generator);
        const nn::CellReport of_lstm = nn::check_cell(lstm, 3, {.seed = seed, .order = 1});
        CHECK_MESSAGE(of_lstm["float"].verdict == nn::CellVerdict::passed, of_lstm.text());
    }
}

TEST_CASE("check_cell: a rule that is wrong in float alone is found") {
    for (const double factor : {1.005, 1.01, 0.98, 1.02, 1.05}) {
        CellOfBoth<float> cell(factor);
        const Tensor<float> before = cell.W.value();
        const nn::CellReport report = nn::check_cell(cell, 2, {.order = 1});
        CHECK_MESSAGE(report.failed() == std::vector<std::string>{"float"}, report.text());
        CHECK_MESSAGE(contains(report["float"].text, "something else in float"), report.text());
        CHECK(before == cell.W.value());
    }
}
