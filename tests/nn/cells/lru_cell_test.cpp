#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Complex = std::complex<double>;

/// The equations in complex numbers, for one row: the outputs of x [T, 1, I], from a state of 0.
template <class V>
Tensor<double> lru_by_numbers(const nn::LruCell<V>& cell, const Tensor<double>& x) {
    const std::size_t inputs = cell.D.shape()[0];
    const std::size_t numbers = cell.nu_log.shape()[0];
    const auto of = [](const Parameter<V>& parameter, const Position& place) {
        return at(as_double(parameter.value()), place);
    };
    std::vector<Complex> h(numbers);
    Tensor<double> y = filled(shape_of(x), 0);
    for (std::size_t t = 0; t < shape_of(x)[0]; ++t) {
        for (std::size_t n = 0; n < numbers; ++n) {
            Complex entering = 0;
            for (std::size_t k = 0; k < inputs; ++k)
                entering += Complex(of(cell.B, {k, n}), of(cell.B, {k, numbers + n})) * x(t, 0, k);
            const Complex lambda =
                std::exp(Complex(-std::exp(of(cell.nu_log, {n})), std::exp(of(cell.theta_log, {n}))));
            h[n] = lambda * h[n] + std::exp(of(cell.gamma_log, {n})) * entering;
        }
        for (std::size_t k = 0; k < inputs; ++k) {
            y(t, 0, k) = of(cell.D, {k}) * x(t, 0, k);
            for (std::size_t n = 0; n < numbers; ++n)
                y(t, 0, k) += (h[n] * Complex(of(cell.C, {n, k}), of(cell.C, {numbers + n, k}))).real();
        }
    }
    return y;
}

/// What a way of reading a sequence gives: outputs, the last state, and gradients by all of it.
template <class V, class Read>
Tensors read_sequence(nn::LruCell<V>& cell, const Tensor<V>& x, const Tensor<V>& start, const Read& read) {
    Tape<V> tape;
    const Var<V> own_x = input(x);
    const Var<V> own_start = input(start);
    const auto [outputs, state] = read(own_x, own_start);
    const Var<V> J = sum(sin(outputs)) + sum(square(state));
    WrtList<V> wrt(cell.parameters());
    wrt.add(own_x).add(own_start);
    Tensors all{as_double(outputs.value()), as_double(state.value())};
    for (const Tensor<V>& one : gradient(J, wrt)) all.push_back(as_double(one));
    return all;
}

/// The lambdas that a cell starts with.
template <class V>
std::vector<Complex> lambdas_of(const nn::LruCell<V>& cell) {
    Tape<V> tape;
    const std::array<Var<V>, 4> prepared = cell.prepare();
    const Tensor<double> re = as_double(prepared[0].value());
    const Tensor<double> im = as_double(prepared[1].value());
    std::vector<Complex> all;
    for (std::size_t n = 0; n < re.size(); ++n) all.emplace_back(re(n), im(n));
    return all;
}

std::string refused_lru(const nn::LruOptions& options) {
    nn::Generator generator(1);
    return text_of<std::invalid_argument>([&] { nn::LruCell<double>(2, 3, generator, options); });
}

}  // namespace

TEST_CASE_TEMPLATE("LRU: a long sequence is that of complex numbers in a loop", V, float, double) {
    nn::Generator generator(1);
    nn::LruCell<V> cell(3, 5, generator, {.smallest_radius = 0.99, .largest_radius = 0.999});
    Random random("long");
    const Tensor<V> x = rounded<V>(random.tensor({3000, 1, 3}));
    Tape<V> tape;
    const Tensor<double> y = as_double(nn::unroll(cell, input(x)).outputs.value());
    CHECK(difference(y, lru_by_numbers(cell, as_double(x)), sizeof(V) == 4 ? 2e-5 : 1e-13, 1) == "");
}

TEST_CASE_TEMPLATE("LRU: at once, in two windows and step by step a sequence gives the same", V, float,
                   double) {
    constexpr std::size_t steps = 7;
    nn::Generator generator(2);
    nn::LruCell<V> cell(3, 5, generator);
    const Tensor<V> x = nn::normal<V>({steps, 4, 3}, 0, 1, generator);
    const Tensor<V> start = nn::normal<V>({4, 10}, 0, 1, generator);
    const double tolerance = sizeof(V) == 4 ? 1e-4 : 1e-12;
    for (const std::vector<std::size_t>& lengths :
         {std::vector<std::size_t>(), std::vector<std::size_t>{7, 2, 0, 5}}) {
        CAPTURE(lengths.size());
        const Tensors whole = read_sequence(cell, x, start, [&](const Var<V>& all, const Var<V>& h) {
            const auto result = nn::unroll(cell, all, h, {.lengths = lengths});
            return std::pair{result.outputs, result.state};
        });
        for (const std::size_t length : {std::size_t(4), std::size_t(1)}) {
            CAPTURE(length);
            const Tensors parted = read_sequence(cell, x, start, [&](const Var<V>& all, const Var<V>& h) {
                std::vector<Var<V>> outputs;
                Var<V> state = h;
                for (std::size_t from = 0; from < steps; from += length) {
                    const std::size_t to = std::min(from + length, steps);
                    std::vector<std::size_t> of_window = lengths;
                    for (std::size_t& one : of_window) one = std::clamp(one, from, to) - from;
                    const Var<V> window =
                        slice(all, 0, static_cast<std::ptrdiff_t>(from), static_cast<std::ptrdiff_t>(to));
                    const auto result = nn::unroll(cell, window, state, {.lengths = of_window});
                    outputs.push_back(result.outputs);
                    state = result.state;
                }
                return std::pair{concatenate(outputs, 0), state};
            });
            REQUIRE(parted.size() == whole.size());
            for (std::size_t k = 0; k < whole.size(); ++k) {
                CAPTURE(k);
                check_close(parted[k], whole[k], tolerance);
            }
        }
        if (!lengths.empty()) continue;
        const Tensors stepped = read_sequence(cell, x, start, [&](const Var<V>& all, const Var<V>& h) {
            std::vector<Var<V>> outputs;
            Var<V> state = h;
            for (const Var<V>& one : unstack(all)) {
                outputs.emplace_back();
                std::tie(outputs.back(), state) = nn::advance(cell, one, state);
            }
            return std::pair{stack(outputs), state};
        });
        for (std::size_t k = 0; k < whole.size(); ++k) check_close(stepped[k], whole[k], tolerance);
    }
}

TEST_CASE_TEMPLATE("LRU: it starts evenly on the ring that was asked for, with inputs scaled to match", V,
                   float, double) {
    nn::Generator generator(1);
    constexpr double phase = std::numbers::pi / 10;
    const nn::LruCell<V> cell(2, 4000, generator,
                              {.smallest_radius = 0.6, .largest_radius = 0.8, .largest_phase = phase});
    const std::vector<Complex> lambdas = lambdas_of(cell);
    const Tensor<double> gamma_log = as_double(cell.gamma_log.value());
    double within = 0;
    double first_half = 0;
    double misfit = 0;
    for (std::size_t n = 0; n < lambdas.size(); ++n) {
        const double radius = std::abs(lambdas[n]);
        CHECK((radius > 0.6 - 1e-6 && radius < 0.8 + 1e-6));
        CHECK((std::arg(lambdas[n]) >= 0 && std::arg(lambdas[n]) < phase + 1e-6));
        within += radius * radius < 0.5 ? 1 : 0;  // half of the ring's area: (0.36 + 0.64) / 2
        first_half += std::arg(lambdas[n]) < phase / 2 ? 1 : 0;
        misfit = std::max(misfit, std::abs(std::exp(2 * gamma_log(n)) + radius * radius - 1));
    }
    CHECK(std::abs(within / 4000 - 0.5) < 0.03);
    CHECK(std::abs(first_half / 4000 - 0.5) < 0.03);
    CHECK(misfit < (sizeof(V) == 4 ? 1e-6 : 1e-14));
}

TEST_CASE("LRU: without options it fills the disc, and all its numbers are finite") {
    nn::Generator generator(3);
    nn::LruCell<float> cell(2, 4000, generator);
    for (const auto& entry : cell.parameters())
        for (const float element : entry.parameter->value()) CHECK(std::isfinite(element));
    double within = 0;
    double above = 0;
    for (const Complex& lambda : lambdas_of(cell)) {
        within += std::norm(lambda) < 0.5 ? 1 : 0;
        above += lambda.imag() > 0 ? 1 : 0;
    }
    CHECK(std::abs(within / 4000 - 0.5) < 0.03);
    CHECK(std::abs(above / 4000 - 0.5) < 0.03);
    const auto deviation = [](const Parameter<float>& parameter) {
        double total = 0;
        for (const float element : parameter.value()) total += double(element) * double(element);
        return std::sqrt(total / static_cast<double>(parameter.shape().size()));
    };
    CHECK(deviation(cell.B) == doctest::Approx(std::sqrt(0.25)).epsilon(0.02));
    CHECK(deviation(cell.C) == doctest::Approx(std::sqrt(1 / 4000.0)).epsilon(0.02));
}

TEST_CASE("LRU: parameters by name, and what is refused") {
    nn::Generator generator(1);
    nn::LruCell<float> cell(3, 5, generator);
    std::string names;
    for (const auto& entry : cell.parameters())
        names += entry.path + " " + entry.parameter->shape().text() + " ";
    CHECK(names == "nu_log [5] theta_log [5] gamma_log [5] B [3, 10] C [10, 3] D [3] ");
    CHECK(text_of<std::invalid_argument>([&] { nn::LruCell<double>(0, 2, generator); }) ==
          "LruCell: input_size is 0 and state_size 2; both must be at least 1");
    CHECK(refused_lru({.smallest_radius = 0.5, .largest_radius = 0.4}) ==
          "LruCell: smallest_radius is 0.5 and largest_radius 0.4; they must be between 0 and 1, in this "
          "order, and neither both 0 nor both 1");
    CHECK(refused_lru({.smallest_radius = -0.1}) != "");
    CHECK(refused_lru({.largest_radius = 1.1}) != "");
    CHECK(refused_lru({.largest_radius = 0}) != "");
    CHECK(refused_lru({.smallest_radius = 1}) != "");
    CHECK(refused_lru({.smallest_radius = std::nan("")}) != "");
    CHECK(refused_lru({.largest_phase = 0}) == "LruCell: largest_phase is 0; it must be positive and finite");
    CHECK(refused_lru({.largest_phase = INFINITY}) != "");
    CHECK(refused_lru({.smallest_radius = 0.9, .largest_radius = 0.9}) == "");
}
