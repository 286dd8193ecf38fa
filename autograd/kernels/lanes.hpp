#pragma once

// GCC 12 takes what AVX-512 intrinsics leave undefined on purpose for a mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <autograd/kernels/lanes_functions.hpp>
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <autograd/kernels/no_truth.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace tapeloop {

/// The base of what a function given to `map` gets its arguments as: elementwise functions of this namespace
/// are found for them without being named in full. It is empty.
struct ElementwiseArgument {};

}  // namespace tapeloop

namespace tapeloop::detail {

template <class T>
struct Lanes;

/// The result of comparing lanes.
template <class T>
struct Mask {
    typename xsimd::batch<T>::batch_bool_type bits;
    friend Lanes<T> where(Mask condition, Lanes<T> a, Lanes<T> b) {
        return xsimd::select(condition.bits, a.value, b.value);
    }
    /// Refused, before anything else is said of the branches.
    template <std::same_as<bool> B, B = refuse_truth<B>()>
    explicit operator B() const {
        return false;
    }
    friend Mask operator&(Mask a, Mask b) { return {a.bits & b.bits}; }
    friend Mask operator|(Mask a, Mask b) { return {a.bits | b.bits}; }
};

/// A register's worth of elements: what an elementwise function is run on. Every element of a tensor, its
/// tail too, goes through whole registers, so that its value does not depend on where it stands.
template <class T>
struct Lanes : ElementwiseArgument {
    using value_type = T;
    using Register = xsimd::batch<T>;
    static constexpr std::size_t width = Register::size;

    Register value;

    Lanes() = default;
    Lanes(Register v) : value(v) {}
    template <class S>
    requires std::is_arithmetic_v<S> Lanes(S scalar) : value(static_cast<T>(scalar)) {}

    /// Refused, before anything else is said of the branches.
    template <std::same_as<bool> B, B = refuse_truth<B>()>
    explicit operator B() const {
        return false;
    }

    static Lanes load(const T* from) { return Register::load_unaligned(from); }
    void store(T* to) const { value.store_unaligned(to); }

#if defined(__AVX512F__)
    // Masked-out lanes read as zero and are not touched by the store.
    static Lanes load(const T* from, std::size_t count) {
        if constexpr (sizeof(T) == 4)
            return Register(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), from));
        else
            return Register(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1U), from));
    }
    void store(T* to, std::size_t count) const {
        if constexpr (sizeof(T) == 4)
            _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1U), value);
        else
            _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1U), value);
    }
#else
    static Lanes load(const T* from, std::size_t count) {
        alignas(64) std::array<T, width> padded{};
        std::memcpy(padded.data(), from, count * sizeof(T));
        return Register::load_aligned(padded.data());
    }
    void store(T* to, std::size_t count) const {
        alignas(64) std::array<T, width> padded;
        value.store_aligned(padded.data());
        std::memcpy(to, padded.data(), count * sizeof(T));
    }
#endif

    friend Lanes operator+(Lanes a, Lanes b) { return a.value + b.value; }
    friend Lanes operator-(Lanes a, Lanes b) { return a.value - b.value; }
    friend Lanes operator*(Lanes a, Lanes b) { return a.value * b.value; }
    friend Lanes operator/(Lanes a, Lanes b) { return a.value / b.value; }
    friend Lanes operator-(Lanes a) { return -a.value; }
    /// a b + c, rounded once where the processor can; xsimd 8 does not use AVX-512's instruction for it.
    friend Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
#if defined(__AVX512F__)
        if constexpr (std::is_same_v<T, float>)
            return Register(_mm512_fmadd_ps(a.value, b.value, c.value));
        else
            return Register(_mm512_fmadd_pd(a.value, b.value, c.value));
#else
        return xsimd::fma(a.value, b.value, c.value);
#endif
    }
    friend Mask<T> operator<(Lanes a, Lanes b) { return {a.value < b.value}; }
    friend Mask<T> operator<=(Lanes a, Lanes b) { return {a.value <= b.value}; }
    friend Mask<T> operator>(Lanes a, Lanes b) { return {a.value > b.value}; }
    friend Mask<T> operator>=(Lanes a, Lanes b) { return {a.value >= b.value}; }
    friend Mask<T> equal(Lanes a, Lanes b) { return {a.value == b.value}; }

    friend Lanes exp(Lanes x) { return lanes::exp(x); }
    friend Lanes tanh(Lanes x) { return lanes::tanh(x); }
    friend Lanes log(Lanes x) { return lanes::log(x); }
    friend Lanes expm1(Lanes x) { return lanes::expm1(x); }
    friend Lanes log1p(Lanes x) { return lanes::log1p(x); }
    friend Lanes sqrt(Lanes x) { return xsimd::sqrt(x.value); }
    friend Lanes abs(Lanes x) { return xsimd::abs(x.value); }
    friend Lanes sin(Lanes x) { return xsimd::sin(x.value); }
    friend Lanes cos(Lanes x) { return xsimd::cos(x.value); }
    // Not exp(y log x), which loses a digit for every power of two in y log x.
    friend Lanes pow(Lanes x, Lanes y) {
        return element_by_element(x, y, [](T a, T b) { return std::pow(a, b); });
    }
    friend Lanes floor(Lanes x) { return xsimd::floor(x.value); }
    friend Lanes ceil(Lanes x) { return xsimd::ceil(x.value); }
    /// Halves to even.
    friend Lanes round(Lanes x) { return xsimd::nearbyint(x.value); }
    // Not xsimd's: 60 units in the last place, and of erfc from 2 on a hundred thousand.
    friend Lanes erf(Lanes x) {
        return element_by_element(x, x, [](T a, T) { return std::erf(a); });
    }
    friend Lanes erfc(Lanes x) {
        return element_by_element(x, x, [](T a, T) { return std::erfc(a); });
    }
    /// Returns what is left of x after whole multiples of y, exactly, with the sign of y.
    friend Lanes mod(Lanes x, Lanes y) {
        return element_by_element(x, y, [](T a, T b) {
            const T rest = std::fmod(a, b);
            if (rest == 0) return std::copysign(rest, b);
            return (rest < 0) != (b < 0) ? rest + b : rest;
        });
    }

  private:
    template <class F>
    static Lanes element_by_element(Lanes x, Lanes y, F f) {
        alignas(64) std::array<T, width> a;
        alignas(64) std::array<T, width> b;
        x.value.store_aligned(a.data());
        y.value.store_aligned(b.data());
        for (std::size_t i = 0; i < width; ++i) a[i] = f(a[i], b[i]);
        return Register::load_aligned(a.data());
    }
};

}  // namespace tapeloop::detail
