#include <tests/nn/cells/cell_check.hpp>

#include <cmath>

namespace tapeloop::test {

double logistic(double a) { return 1 / (1 + std::exp(-a)); }

double product(const Tensor<double>& x, const Tensor<double>& W, std::size_t row, std::size_t column) {
    double total = 0;
    for (std::size_t k = 0; k < x.shape()[1]; ++k) total += at(x, {row, k}) * at(W, {k, column});
    return total;
}

Tensors run_loops(const CellCase& c, const Tensors& arguments) {
    const auto begin = arguments.begin() + 1;
    const auto middle = begin + static_cast<std::ptrdiff_t>(c.parts);
    Tensors state(begin, middle);
    const Tensors parameters(middle, arguments.end());
    std::vector<double> outputs;
    for (std::size_t t = 0; t < T; ++t) {
        const Tensor<double> x = generate({B, I}, [&](const Position& i) {
            return at(arguments[0], {t, i[0], i[1]});
        });
        state = c.step(x, state, parameters);
        outputs.insert(outputs.end(), state[0].begin(), state[0].end());
        if (state.size() > c.parts) state.erase(state.begin());
    }
    state.insert(state.begin(), tensor({T, B, outputs.size() / (T * B)}, outputs));
    return state;
}

Tensors random_like(std::string_view seed, const Tensors& x) {
    Random random(seed);
    Tensors result;
    for (const Tensor<double>& one : x) result.push_back(random.tensor(shape_of(one)));
    return result;
}

void check_all_close(const Tensors& actual, const Tensors& expected, double tolerance) {
    REQUIRE(actual.size() == expected.size());
    for (std::size_t k = 0; k < actual.size(); ++k) {
        CAPTURE(k);
        check_close(actual[k], expected[k], tolerance);
    }
}

}  // namespace tapeloop::test
