#include <tests/expect.hpp>

#include <nn/generator.hpp>
#include <nn/initialisers.hpp>

#include <algorithm>
#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Generator;

namespace {

struct Moments {
    double mean = 0;
    double variance = 0;
    double fourth = 0;  ///< the fourth central moment over the variance squared
};

Moments moments_of(const Tensor<double>& x) {
    const double n = static_cast<double>(x.size());
    Moments m;
    for (double v : x) m.mean += v / n;
    for (double v : x) m.variance += std::pow(v - m.mean, 2) / n;
    for (double v : x) m.fourth += std::pow((v - m.mean) / std::sqrt(m.variance), 4) / n;
    return m;
}

/// The inner products of the rows, or of the columns.
Tensor<double> inner_products(const Tensor<double>& x, bool of_rows) {
    const std::size_t n = x.shape()[of_rows ? 0 : 1];
    const std::size_t length = x.shape()[of_rows ? 1 : 0];
    return generate({n, n}, [&](const Position& i) {
        double total = 0;
        for (std::size_t k = 0; k < length; ++k)
            total += of_rows ? x(i[0], k) * x(i[1], k) : x(k, i[0]) * x(k, i[1]);
        return total;
    });
}

}  // namespace

// The 10,000th number of std::mt19937_64 with its default seed, by the C++ standard.
TEST_CASE("generator: its bits are those of the Mersenne twister") {
    Generator generator(5489);
    for (int i = 1; i < 10'000; ++i) generator.bits();
    CHECK(generator.bits() == 9981545732273789042ULL);
}

TEST_CASE("generator: a seed gives the same numbers, another seed others") {
    Generator one(42);
    Generator same(42);
    Generator other(43);
    int equal = 0;
    for (int i = 0; i < 100; ++i) {
        CHECK(one.normal() == same.normal());
        equal += one.uniform() == other.uniform() ? 1 : 0;
        same.uniform();
    }
    CHECK(equal == 0);
}

TEST_CASE("generator: pinned numbers, the same on every machine") {
    Generator generator(1);
    CHECK(generator.uniform() == 0.13387664401253263);
    CHECK(generator.uniform(-2, 3) == -1.3179648181690138);
    CHECK(generator.normal() == -0.039399956754155308);
    CHECK(generator.normal() == -0.38683176162103949);
    CHECK(generator.below(1000) == 384);
}

TEST_CASE("generator: normal numbers are those of the polar method") {
    Generator generator(9);
    Generator same(9);
    for (int i = 0; i < 500; ++i) {
        double a = 0;
        double b = 0;
        double square = 2;
        while (square >= 1) {
            a = 2 * same.uniform() - 1;
            b = 2 * same.uniform() - 1;
            square = a * a + b * b;
        }
        const double length = std::sqrt(-2 * std::log(square) / square);
        CHECK(generator.normal() == doctest::Approx(a * length).epsilon(1e-13));
        CHECK(generator.normal() == doctest::Approx(b * length).epsilon(1e-13));
    }
}

TEST_CASE("generator: numbers below a bound are all reached, and evenly") {
    Generator generator(5);
    std::array<int, 6> counts{};
    for (int i = 0; i < 60'000; ++i) ++counts.at(generator.below(6));
    for (int count : counts) CHECK(std::abs(count - 10'000) < 500);
    for (int i = 0; i < 10; ++i) CHECK(generator.below(1) == 0);
    CHECK(text_of<std::invalid_argument>([&] { generator.below(0); }) ==
          "below: count is 0; there is no number below it");
}

TEST_CASE("initialisers: uniform fills its range") {
    Generator generator(1);
    const Tensor<double> x = nn::uniform<double>({100, 200}, -0.5, 1.5, generator);
    CHECK(shape_of(x) == Shape{100, 200});
    CHECK(*std::min_element(x.begin(), x.end()) >= -0.5);
    CHECK(*std::min_element(x.begin(), x.end()) < -0.49);
    CHECK(*std::max_element(x.begin(), x.end()) < 1.5);
    CHECK(*std::max_element(x.begin(), x.end()) > 1.49);
    CHECK(moments_of(x).mean == doctest::Approx(0.5).epsilon(0.03));
    CHECK(moments_of(x).variance == doctest::Approx(4.0 / 12).epsilon(0.03));
}

TEST_CASE("initialisers: normal has its mean and deviation, and the shape of a bell") {
    Generator generator(1);
    const Moments m = moments_of(nn::normal<double>({300, 300}, 3, 0.5, generator));
    CHECK(m.mean == doctest::Approx(3).epsilon(0.005));
    CHECK(m.variance == doctest::Approx(0.25).epsilon(0.02));
    CHECK(m.fourth == doctest::Approx(3).epsilon(0.05));
}

TEST_CASE("initialisers: Xavier's scale is by rows and columns") {
    Generator generator(1);
    const double bound = 2 * std::sqrt(6.0 / (30 + 120));
    const Tensor<double> x = nn::xavier_uniform<double>({30, 120}, generator, 2);
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    CHECK(*low >= -bound);
    CHECK(*low < -0.99 * bound);
    CHECK(*high < bound);
    CHECK(*high > 0.99 * bound);
    const Moments m = moments_of(nn::xavier_normal<double>({100, 300}, generator, 3));
    CHECK(m.mean == doctest::Approx(0).epsilon(0.01));
    CHECK(m.variance == doctest::Approx(9 * 2.0 / 400).epsilon(0.05));
}

TEST_CASE("initialisers: orthogonal, square, wide and tall") {
    Generator generator(4);
    for (const auto& [rows, columns] :
         {std::pair{6U, 6U}, {3U, 7U}, {7U, 3U}, {1U, 1U}, {1U, 4U}, {64U, 64U}}) {
        CAPTURE(rows);
        CAPTURE(columns);
        const Tensor<double> q = nn::orthogonal<double>({rows, columns}, generator, 1.5);
        CHECK(shape_of(q) == Shape{rows, columns});
        check_close(inner_products(q, rows <= columns), nn::identity<double>(std::min(rows, columns), 2.25),
                    1e-12);
    }
}

// Of a matrix drawn evenly, every element has mean 0 and variance 1 / n; a plain QR would have a sign on its
// diagonal.
TEST_CASE("initialisers: orthogonal matrices are drawn evenly") {
    Generator generator(4);
    constexpr int draws = 4000;
    Tensor<double> mean = filled({3, 3}, 0);
    Tensor<double> square = filled({3, 3}, 0);
    for (int i = 0; i < draws; ++i) {
        const Tensor<double> q = nn::orthogonal<double>({3, 3}, generator);
        for (std::size_t k = 0; k < 9; ++k) {
            mean.data()[k] += q.data()[k] / draws;
            square.data()[k] += q.data()[k] * q.data()[k] / draws;
        }
    }
    for (double m : mean) CHECK(std::abs(m) < 0.04);
    for (double s : square) CHECK(std::abs(s - 1.0 / 3) < 0.02);
}

TEST_CASE("initialisers: a seed gives the same weights, in float the rounded ones") {
    Generator one(8);
    Generator same(8);
    Generator narrow(8);
    const Tensor<double> q = nn::orthogonal<double>({4, 4}, one);
    check_same_bits(nn::orthogonal<double>({4, 4}, same), q);
    check_same_bits(as_double(nn::orthogonal<float>({4, 4}, narrow)), as_double(rounded<float>(q)));
    const Tensor<double> x = nn::xavier_uniform<double>({4, 4}, one);
    check_same_bits(nn::xavier_uniform<double>({4, 4}, same), x);
    CHECK(difference_in_bits(nn::xavier_uniform<double>({4, 4}, one), x) != "");
}

TEST_CASE("initialisers: zeros and identity") {
    check_same_bits(nn::zeros<double>({2, 3}), filled({2, 3}, 0));
    check_same_bits(nn::identity<double>(3, 0.5), tensor({3, 3}, {0.5, 0, 0, 0, 0.5, 0, 0, 0, 0.5}));
    CHECK(nn::zeros<float>({0, 3}).size() == 0);
}

TEST_CASE("initialisers: what is for matrices refuses other ranks") {
    Generator generator(1);
    CHECK(text_of<std::invalid_argument>([&] { nn::xavier_uniform<double>({3}, generator); }) ==
          "xavier_uniform: shape is [3]; it must be that of a matrix, [rows, columns]");
    CHECK(text_of<std::invalid_argument>([&] {
              nn::xavier_normal<double>({}, generator);
          }).starts_with("xavier_normal"));
    CHECK(text_of<std::invalid_argument>([&] {
              nn::orthogonal<double>({2, 3, 4}, generator);
          }).starts_with("orthogonal: shape is [2, 3, 4]"));
}

namespace {

/// Every draw is in [low, high), as a T.
template <class T>
void check_half_open(double low, double high) {
    Generator generator(3);
    const Tensor<T> x = nn::uniform<T>({200, 1000}, low, high, generator);
    for (T element : x) {
        if (!(element >= low && element < high)) FAIL_CHECK("a draw of ", element);
    }
}

}  // namespace

TEST_CASE("initialisers: uniform stays below its upper bound, in float too") {
    for (const auto& [low, high] : {std::pair{-0.1, 0.1},
                                    {0.0, 1.0},
                                    {1.0, 1.0 + 1e-6},
                                    {16777216.0, 16777218.0},
                                    {-1.0, -1.0 + 1e-6},
                                    {1e30, 1.000001e30}}) {
        CAPTURE(low);
        CAPTURE(high);
        check_half_open<float>(low, high);
        check_half_open<double>(low, high);
    }
    check_half_open<double>(1, std::nextafter(1.0, 2.0));
    check_half_open<double>(1e15, 1e15 + 0.25);
    Generator generator(3);
    for (int n = 0; n < 1000; ++n) CHECK(generator.uniform(1e16, 1e16 + 2) == 1e16);
    CHECK(generator.uniform(2, 2) == 2);
    CHECK(text_of<std::invalid_argument>([&] {
              generator.uniform(1, 0);
          }).starts_with("uniform: low is 1 and high 0"));
    CHECK(text_of<std::invalid_argument>([&] { generator.uniform(-1.5e308, 1.5e308); }) != "");
}

TEST_CASE("initialisers: He's scale is by rows alone") {
    Generator generator(1);
    const double bound = 2 * std::sqrt(6.0 / 30);
    const Tensor<double> x = nn::he_uniform<double>({30, 120}, generator, 2);
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    CHECK(*low >= -bound);
    CHECK(*low < -0.99 * bound);
    CHECK(*high < bound);
    CHECK(*high > 0.99 * bound);
    const Moments m = moments_of(nn::he_normal<double>({100, 300}, generator));
    CHECK(m.mean == doctest::Approx(0).epsilon(0.01));
    CHECK(m.variance == doctest::Approx(2.0 / 100).epsilon(0.05));
    CHECK(nn::he_uniform<float>({0, 3}, generator).size() == 0);
    CHECK(nn::he_normal<float>({0, 3}, generator).size() == 0);
    CHECK(text_of<std::invalid_argument>([&] { nn::he_normal<double>({3}, generator); }) ==
          "he_normal: shape is [3]; it must be that of a matrix, [rows, columns]");
    CHECK(text_of<std::invalid_argument>([&] {
              nn::he_uniform<double>({3}, generator);
          }).starts_with("he_uniform"));
}

TEST_CASE("initialisers: constant") {
    check_same_bits(nn::constant<double>({2, 3}, -0.1), filled({2, 3}, -0.1));
    CHECK(nn::constant<float>({}, 0.1).data()[0] == 0.1F);
}
