#pragma once

#include <xsimd/xsimd.hpp>

/// exp and tanh of 16 floats with fused multiply-add, which xsimd's do without where contraction is off.
/// After the Cephes library (S. L. Moshier): x = n log 2 + r, and a polynomial in r that is exact to the last
/// bit or two.
namespace tapeloop::avx512 {

#if defined(__AVX512F__)

/// e^r - 1 where x = n log 2 + r, |r| <= log(2) / 2.
struct ReducedExp {
    __m512 n;
    __m512 below;

    explicit ReducedExp(__m512 x) {
        n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), _MM_FROUND_TO_NEAREST_INT);
        __m512 r =
            _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);  // log 2 in two parts, the first exact
        r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
        __m512 p = _mm512_set1_ps(1.9875691500e-4F);
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3F));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3F));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2F));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1F));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1F));
        below = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r);
    }
};

// The bounds come first: min and max return their second operand where one is NaN.
inline __m512 bounded(__m512 x, float low, float high) {
    return _mm512_max_ps(_mm512_set1_ps(low), _mm512_min_ps(_mm512_set1_ps(high), x));
}

inline __m512 exp(__m512 x) {
    const ReducedExp e(bounded(x, -104.0F, 89.0F));  // beyond them it is 0 and infinite
    return _mm512_scalef_ps(_mm512_add_ps(e.below, _mm512_set1_ps(1.0F)), e.n);
}

/// Below 0.625 an odd polynomial, above it 1 - 2 / (exp(2 |x|) + 1).
inline __m512 tanh(__m512 x) {
    const __m512 size = _mm512_abs_ps(x);
    const __m512 square = _mm512_mul_ps(x, x);
    __m512 p = _mm512_set1_ps(-5.70498872745e-3F);
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(2.06390887954e-2F));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(-5.37397155531e-2F));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(1.33314422036e-1F));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(-3.33332819422e-1F));
    const __m512 small = _mm512_fmadd_ps(_mm512_mul_ps(p, square), x, x);

    const __m512 one = _mm512_set1_ps(1.0F);
    const __m512 power = exp(_mm512_add_ps(size, size));
    const __m512 large = _mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0F), _mm512_add_ps(power, one)));
    const __m512 sign = _mm512_and_ps(x, _mm512_set1_ps(-0.0F));
    const __mmask16 is_large = _mm512_cmp_ps_mask(size, _mm512_set1_ps(0.625F), _CMP_GE_OQ);
    return _mm512_mask_or_ps(small, is_large, large, sign);
}

#endif

}  // namespace tapeloop::avx512
