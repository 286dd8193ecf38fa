#pragma once

#include <cstddef>

/// Passes over rows of doubles, for the studies of gradients and Jacobians.
namespace tapeloop::detail {

/// The sum of the products of n elements.
double dot_of_rows(const double* a, const double* b, std::size_t n);
/// Adds `factor` times n elements.
void add_row(double* to, const double* from, double factor, std::size_t n);
/// Two rows of n elements become combinations of both: a is then aa a + ab b, and b is ba a + bb b.
void mix_rows(double* a, double* b, std::size_t n, double aa, double ab, double ba, double bb);

}  // namespace tapeloop::detail
