#include <tests/expect.hpp>

#include <autograd/kernels/lanes.hpp>
#include <autograd/ops/elementary.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

using namespace tapeloop;

namespace {

template <class T>
using Limits = std::numeric_limits<T>;

/// Returns the distance of `y` from `exact`, in units of the last place of the nearest T.
template <class T>
double error_in_ulps(T y, long double exact) {
    const T nearest = static_cast<T>(exact);
    if (y == nearest || (std::isnan(y) && std::isnan(nearest))) return 0;
    if (!std::isfinite(y) || !std::isfinite(nearest)) return Limits<double>::infinity();
    const int least = Limits<T>::min_exponent - Limits<T>::digits;
    const int exponent = nearest == 0 ? least : std::max(std::ilogb(nearest) + 1 - Limits<T>::digits, least);
    return static_cast<double>(std::abs(y - exact) / std::ldexp(1.0L, exponent));
}

template <class T, class F>
T on_lanes(const F& f, T x) {
    std::array<T, tapeloop::detail::Lanes<T>::width> y;
    f(tapeloop::detail::Lanes<T>(x)).store(y.data());
    return y[0];
}

/// Arguments between these, evenly spread over their values or, where both are of one sign, over their
/// magnitudes.
template <class T>
std::vector<T> arguments(long double low, long double high) {
    std::mt19937_64 random(17);
    std::vector<T> all{static_cast<T>(low), static_cast<T>(high)};
    for (int i = 0; i < 4000; ++i) {
        const long double share = std::uniform_real_distribution<double>()(random);
        all.push_back(static_cast<T>(low + share * (high - low)));
        if (low * high > 0) all.push_back(static_cast<T>(low * std::pow(high / low, share)));
    }
    return all;
}

struct Range {
    long double low;
    long double high;
    double ulps;
};

template <class T, class F, class Exact>
void check_accuracy(const char* name, const F& f, const Exact& exact, const std::vector<Range>& ranges) {
    CAPTURE(name);
    for (const Range& range : ranges) {
        double worst = 0;
        T at = 0;
        for (T x : arguments<T>(range.low, range.high)) {
            const double error = error_in_ulps(on_lanes<T>(f, x), exact(static_cast<long double>(x)));
            if (error > worst) {
                worst = error;
                at = x;
            }
        }
        CHECK_MESSAGE(worst <= range.ulps, name << (sizeof(T) == 4 ? " float" : " double") << " at " << at
                                                << " errs by " << worst << " units of the last place");
    }
}

/// The table of errors: ends of the ranges, where results or arguments are subnormal, and all between.
template <class T>
void check_functions() {
    const long double least = Limits<T>::denorm_min();
    const long double most = Limits<T>::max();
    const long double low = std::log(least) - 2;  // exp gives 0 here
    const long double subnormal = std::log(static_cast<long double>(Limits<T>::min()));
    const long double high = std::log(most) + 2;  // and inf here

    check_accuracy<T>(
        "exp", [](auto x) { return exp(x); }, [](long double x) { return std::exp(x); },
        {{low, subnormal, 1}, {subnormal, high, 1}, {high - 4, high, 1}, {least, 1, 1}});
    check_accuracy<T>(
        "expm1", [](auto x) { return expm1(x); }, [](long double x) { return std::expm1(x); },
        {{low, -1, 2}, {-1, 1, 2}, {least, 1, 2}, {-least, -1, 2}, {1, high, 2}, {high - 4, high, 1}});
    check_accuracy<T>(
        "tanh", [](auto x) { return tanh(x); }, [](long double x) { return std::tanh(x); },
        {{-1, 1, 1.5}, {least, most, 1.5}, {-least, -most, 1.5}, {0.5, 20, 1.5}});
    check_accuracy<T>(
        "log", [](auto x) { return log(x); }, [](long double x) { return std::log(x); },
        {{least, Limits<T>::min(), 1}, {least, most, 1}, {0.5, 2, 1}});
    check_accuracy<T>(
        "log1p", [](auto x) { return log1p(x); }, [](long double x) { return std::log1p(x); },
        {{least, most, 1}, {-0.999, 1, 1}, {-least, -0.999, 1}});
    check_accuracy<T>(
        "sqrt", [](auto x) { return sqrt(x); }, [](long double x) { return std::sqrt(x); },
        {{least, most, 0.5}});
    check_accuracy<T>(
        "sigmoid", [](auto x) { return sigmoid(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); },
        {{subnormal + 1, high, 2.5}, {-1, 1, 2.5}});
    check_accuracy<T>(
        "softplus", [](auto x) { return softplus(x); },
        [](long double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); },
        {{low, -1, 2}, {-1, 1, 2}, {1, high, 2}});
    check_accuracy<T>(
        "sin", [](auto x) { return sin(x); }, [](long double x) { return std::sin(x); },
        {{-10, 10, 2}, {10, 1e4, 2.5}, {least, 1, 2}});
    check_accuracy<T>(
        "cos", [](auto x) { return cos(x); }, [](long double x) { return std::cos(x); },
        {{-10, 10, 2}, {10, 1e4, 2.5}, {least, 1, 2}});
}

template <class T>
void check_special_values() {
    constexpr T inf = Limits<T>::infinity();
    constexpr T nan = Limits<T>::quiet_NaN();
    const auto check = [](const char* name, const auto& f, T x, T expected) {
        const T y = on_lanes<T>(f, x);
        const bool same =
            std::isnan(expected) ? std::isnan(y) : y == expected && std::signbit(y) == std::signbit(expected);
        CHECK_MESSAGE(same, name << " of " << x << " is " << y << ", not " << expected);
    };
    for (T x : {inf, -inf, nan, T(0), T(-0.0), Limits<T>::denorm_min(), -Limits<T>::denorm_min(), T(-1),
                Limits<T>::max(), Limits<T>::lowest()}) {
        check(
            "exp", [](auto v) { return exp(v); }, x, std::exp(x));
        check(
            "expm1", [](auto v) { return expm1(v); }, x, std::expm1(x));
        check(
            "tanh", [](auto v) { return tanh(v); }, x, std::tanh(x));
        check(
            "sqrt", [](auto v) { return sqrt(v); }, x, std::sqrt(x));
    }
    for (T x : {inf, -inf, nan, T(0), T(-0.0), T(-1), T(-2), T(1)})
        check(
            "log", [](auto v) { return log(v); }, x, std::log(x));
    for (T x : {inf, -inf, nan, T(0), T(-0.0), T(-1), T(-2), -Limits<T>::denorm_min()})
        check(
            "log1p", [](auto v) { return log1p(v); }, x, std::log1p(x));
}

/// A number made of the bits of all results.
template <class T, class F>
std::uint64_t fingerprint(const F& f) {
    using Integer = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    std::uint64_t hash = 0xcbf29ce484222325;
    for (int i = 1; i < 4000; ++i)
        hash = (hash ^ std::bit_cast<Integer>(on_lanes<T>(f, static_cast<T>(i) / 256))) * 0x100000001b3;
    return hash;
}

}  // namespace

TEST_CASE("lanes: functions against long double, at the ends of their ranges too") {
    check_functions<float>();
    check_functions<double>();
}

TEST_CASE("lanes: infinities, zeros of both signs and NaN are as in the C library") {
    check_special_values<float>();
    check_special_values<double>();
}

#if defined(__FMA__) || defined(__AVX512F__)
TEST_CASE("lanes: every processor with fused multiply-add gives these bits") {
    const auto exp_bits = [](auto x) { return exp(-x); };
    const auto log_bits = [](auto x) { return log(x); };
    const auto tanh_bits = [](auto x) { return tanh(x); };
    const auto expm1_bits = [](auto x) { return expm1(x); };
    const auto log1p_bits = [](auto x) { return log1p(x); };
    CHECK(fingerprint<float>(exp_bits) == 0xbb9828c1eda7f870);
    CHECK(fingerprint<float>(log_bits) == 0x239fbb730cb6d6c5);
    CHECK(fingerprint<float>(tanh_bits) == 0x7e01004b47e301fe);
    CHECK(fingerprint<float>(expm1_bits) == 0xa91b5bc0ba1f87cc);
    CHECK(fingerprint<float>(log1p_bits) == 0x37e1816c27722aef);
    CHECK(fingerprint<double>(exp_bits) == 0x2f3194e760caa99d);
    CHECK(fingerprint<double>(log_bits) == 0x7fb05fea67c98789);
    CHECK(fingerprint<double>(tanh_bits) == 0x23ebf61cb5179e03);
    CHECK(fingerprint<double>(expm1_bits) == 0x41fdc343ec4ab0ea);
    CHECK(fingerprint<double>(log1p_bits) == 0x471c6e10aae3e71d);
}
#endif
