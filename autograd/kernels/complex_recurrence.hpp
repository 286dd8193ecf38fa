#pragma once

#include <cstddef>

namespace tapeloop::detail {

/// The rows of a recurrence of complex numbers, in the order in which it goes through them: a row has
/// `groups` of 2 `half` elements, the real parts and then the imaginary ones.
struct ComplexRecurrenceRows {
    std::size_t count;
    std::size_t groups;
    std::size_t half;
    bool is_reversed;

    /// The row of step `k`.
    std::size_t at(std::size_t k) const { return is_reversed ? count - 1 - k : k; }
};

/// The coefficients a, real and imaginary parts apart: rows of `groups` times `half` elements.
template <class P>
struct ComplexParts {
    P* re;
    P* im;
};

/// y(k) = a(k) y(k - 1) + b(k) for every row, y(-1) being `start`. Threads share the columns.
template <class T>
void run_complex_recurrence(const ComplexRecurrenceRows& rows, const ComplexParts<const T>& a, const T* b,
                            const T* start, T* y);

/// The cotangents of that, a' being the conjugate of a: `of_b`(k) = g(k) + a'(k + 1) of_b(k + 1), and
/// `of_a`(k) = of_b(k) y'(k - 1), where what of_b is 0 in adds 0. `of_a` may have nulls.
template <class T>
void run_complex_recurrence_back(const ComplexRecurrenceRows& rows, const ComplexParts<const T>& a,
                                 const T* start, const T* y, const T* g, const ComplexParts<T>& of_a,
                                 T* of_b);

extern template void run_complex_recurrence(const ComplexRecurrenceRows&, const ComplexParts<const float>&,
                                            const float*, const float*, float*);
extern template void run_complex_recurrence(const ComplexRecurrenceRows&, const ComplexParts<const double>&,
                                            const double*, const double*, double*);
extern template void run_complex_recurrence_back(const ComplexRecurrenceRows&,
                                                 const ComplexParts<const float>&, const float*, const float*,
                                                 const float*, const ComplexParts<float>&, float*);
extern template void run_complex_recurrence_back(const ComplexRecurrenceRows&,
                                                 const ComplexParts<const double>&, const double*,
                                                 const double*, const double*, const ComplexParts<double>&,
                                                 double*);

}  // namespace tapeloop::detail
