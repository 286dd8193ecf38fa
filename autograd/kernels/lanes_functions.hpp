#pragma once

#include <xsimd/xsimd.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

/// exp, expm1, tanh, log and log1p of a register of `Lanes`, the ends of the range included: subnormal
/// arguments and results, infinities, both zeros, NaN. None errs by more than 2 units in the last place.
///
/// They are made of additions, multiplications, divisions and `multiply_add` in an order of their own, so
/// that every processor with fused multiply-add gives the same bits, whatever its registers hold. Without it
/// (-march=x86-64) a product is rounded before the sum, and the last bit may be another.
///
/// After the Cephes library (S. L. Moshier) and fdlibm (Sun Microsystems).
namespace tapeloop::detail::lanes {

template <class T>
struct Bits;
template <>
struct Bits<float> {
    using Integer = std::uint32_t;
    static constexpr int mantissa = 23;
    static constexpr int bias = 127;
};
template <>
struct Bits<double> {
    using Integer = std::uint64_t;
    static constexpr int mantissa = 52;
    static constexpr int bias = 1023;
};

template <class L>
using IntegersOf = xsimd::batch<typename Bits<typename L::value_type>::Integer>;

template <class L>
IntegersOf<L> bits_of(L x) {
    return xsimd::bitwise_cast<IntegersOf<L>>(x.value);
}
template <class L>
L from_bits(IntegersOf<L> bits) {
    return xsimd::bitwise_cast<typename L::Register>(bits);
}

/// The polynomial with these coefficients, the highest first.
template <class L, class... C>
L polynomial(L x, double first, C... rest) {
    L sum(first);
    ((sum = multiply_add(sum, x, L(rest))), ...);
    return sum;
}

/// A sum with this number rounds to an integer, which then stands in its last bits.
template <class T>
constexpr T rounding = T(3) * static_cast<T>(std::uint64_t(1) << (Bits<T>::mantissa - 1));

/// Returns the integer nearest to an x that is small beside `rounding`.
template <class L>
L nearest_integer(L x) {
    using T = typename L::value_type;
#if defined(__AVX512F__)
// Without optimisation the compiler has these as macros, in whose arguments it finds signs that change.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
    if constexpr (std::is_same_v<T, float>)
        return typename L::Register(_mm512_roundscale_ps(x.value, _MM_FROUND_TO_NEAREST_INT));
    else
        return typename L::Register(_mm512_roundscale_pd(x.value, _MM_FROUND_TO_NEAREST_INT));
#pragma GCC diagnostic pop
#else
    return x + L(rounding<T>) - L(rounding<T>);
#endif
}

/// 2^n, which must be a normal number.
template <class L>
L power_of_two(L n) {
    using T = typename L::value_type;
    return from_bits<L>(bits_of(n + L(rounding<T> + T(Bits<T>::bias))) << Bits<T>::mantissa);
}

/// x 2^n, rounded once; |n| at most a little more than the largest exponent.
template <class L>
L scaled(L x, L n) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<typename L::value_type, float>)
        return typename L::Register(_mm512_scalef_ps(x.value, n.value));
    else
        return typename L::Register(_mm512_scalef_pd(x.value, n.value));
#else
    // In two steps, for 2^n itself may be out of range.
    using T = typename L::value_type;
    const IntegersOf<L> both = bits_of(n + L(rounding<T> + T(2 * Bits<T>::bias)));
    const IntegersOf<L> half = both >> 1;
    return x * from_bits<L>(half << Bits<T>::mantissa) * from_bits<L>((both - half) << Bits<T>::mantissa);
#endif
}

/// e^r - 1 where x = n log 2 + r, |r| <= log(2) / 2.
template <class L>
struct ReducedExp {
    L n;
    L below;

    explicit ReducedExp(L x) {
        n = nearest_integer(x * L(1.44269504088896340736));
        if constexpr (std::is_same_v<typename L::value_type, float>) {
            // log 2 in two parts, the product with the first exact.
            const L r = multiply_add(n, L(2.12194440e-4F), multiply_add(n, L(-0.693359375F), x));
            const L p = polynomial(r, 1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F,
                                   1.6666665459e-1F, 5.0000001201e-1F);
            below = multiply_add(p, r * r, r);
        } else {
            const L r = multiply_add(n, L(-1.90821492927058770002e-10),
                                     multiply_add(n, L(-6.93147180369123816490e-01), x));
            const L p =
                polynomial(r, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                           1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5);
            below = multiply_add(p, r * r, r);
        }
    }
};

// The bounds come first: min and max return their second operand where one is NaN.
template <class L>
L bounded(L x, double low, double high) {
    const L below = typename L::Register(xsimd::min(L(high).value, x.value));
    return typename L::Register(xsimd::max(L(low).value, below.value));
}

template <class L>
constexpr bool is_float = std::is_same_v<typename L::value_type, float>;

template <class L>
L exp(L x) {
    // Beyond these bounds it is 0 and infinite.
    const ReducedExp<L> e(is_float<L> ? bounded(x, -104, 89) : bounded(x, -746, 710));
    return scaled(e.below + L(1), e.n);
}

template <class L>
L expm1(L x) {
    const ReducedExp<L> e(is_float<L> ? bounded(x, -20, 89) : bounded(x, -40, 710));
    // Half of it, for 2^n may be too large.
    const L power = power_of_two(e.n - L(1));
    const L half = multiply_add(power, e.below, power - L(0.5));
    const L y = where(equal(e.n, L(0)), e.below, half + half);
    return where(equal(x, L(0)), x, y);
}

/// Below 0.625 an odd function, above it 1 - 2 / (exp(2 |x|) + 1).
template <class L>
L tanh(L x) {
    const L size = abs(x);
    const L square = x * x;
    L small;
    if constexpr (is_float<L>) {
        const L p = polynomial(square, -5.70498872745e-3F, 2.06390887954e-2F, -5.37397155531e-2F,
                               1.33314422036e-1F, -3.33332819422e-1F);
        small = multiply_add(p * square, size, size);
    } else {
        const L p = polynomial(square, -9.64399179425052238628e-1, -9.92877231001918586564e1,
                               -1.61468768441708447952e3);
        const L q = polynomial(square, 1, 1.12811678491632931402e2, 2.23548839060100448583e3,
                               4.84406305325125486048e3);
        small = multiply_add(p / q * square, size, size);
    }
    const L large = L(1) - L(2) / (exp(size + size) + L(1));
    const L positive = where(size >= L(0.625), large, small);
    return typename L::Register(positive.value | (x.value & L(-0.0).value));
}

/// log(2^k (1 + f)) + c, 1 + f in sqrt(1/2) .. sqrt(2).
template <class L>
L log_of_parts(L f, L k, L c) {
    const L s = f / (f + L(2));
    const L z = s * s;
    const L half_square = L(0.5) * f * f;
    if constexpr (is_float<L>) {
        const L r = z * polynomial(z, 0.24279078841F, 0.28498786688F, 0.40000972152F, 0.66666662693F);
        const L low = multiply_add(s, half_square + r, multiply_add(k, L(9.0580006145e-06F), c));
        return multiply_add(k, L(6.9313812256e-01F), f - (half_square - low));
    } else {
        const L r =
            z * polynomial(z, 1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
                           2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
                           6.666666666666735130e-01);
        const L low = multiply_add(s, half_square + r, multiply_add(k, L(1.90821492927058770002e-10), c));
        return multiply_add(k, L(6.93147180369123816490e-01), f - (half_square - low));
    }
}

/// x = 2^k m for normal x, m in sqrt(1/2) .. sqrt(2).
template <class L>
struct Parts {
    using T = typename L::value_type;
    using Integer = typename Bits<T>::Integer;
    L m;
    L k;

    explicit Parts(L x) {
        constexpr auto one = std::bit_cast<Integer>(T(1));
        constexpr auto root = std::bit_cast<Integer>(T(0.70710678118654752440L));
        constexpr auto large = std::bit_cast<Integer>(static_cast<T>(std::uint64_t(1) << Bits<T>::mantissa));
        const IntegersOf<L> shifted = bits_of(x) + IntegersOf<L>(one - root);
        const IntegersOf<L> exponent = shifted >> Bits<T>::mantissa;
        k = from_bits<L>(exponent | IntegersOf<L>(large)) -
            L(std::bit_cast<T>(large) + static_cast<T>(Bits<T>::bias));
        constexpr Integer mantissa_mask = (Integer(1) << Bits<T>::mantissa) - 1;
        m = from_bits<L>((shifted & IntegersOf<L>(mantissa_mask)) + IntegersOf<L>(root));
    }
};

/// `y` where x is a number above `pole`; -inf at it, NaN below, inf at inf.
template <class L>
L with_ends_of_log(L x, L pole, L y) {
    using T = typename L::value_type;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const L ends = where(equal(x, pole), L(-infinity), L(std::numeric_limits<T>::quiet_NaN()));
    return where(x > pole, where(equal(x, L(infinity)), x, y), ends);
}

template <class L>
L log(L x) {
    using T = typename L::value_type;
    const auto is_subnormal = x < L(std::numeric_limits<T>::min());
    constexpr int lift = Bits<T>::mantissa + 1;
    const L lifted = where(is_subnormal, x * L(static_cast<T>(std::uint64_t(1) << lift)), x);
    const Parts<L> parts(lifted);
    const L k = where(is_subnormal, parts.k - L(lift), parts.k);
    return with_ends_of_log(x, L(0), log_of_parts(parts.m - L(1), k, L(0)));
}

template <class L>
L log1p(L x) {
    const L sum = x + L(1);
    const Parts<L> parts(sum);
    // What the sum has lost.
    const L lost = where(x > L(1), L(1) - (sum - x), x - (sum - L(1))) / sum;
    const auto is_small = (x > L(-0.2929)) & (x < L(0.4142));
    const L f = where(is_small, x, parts.m - L(1));
    const L k = where(is_small, L(0), parts.k);
    const L y = with_ends_of_log(x, L(-1), log_of_parts(f, k, where(is_small, L(0), lost)));
    return where(equal(x, L(0)), x, y);
}

}  // namespace tapeloop::detail::lanes
