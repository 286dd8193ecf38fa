#pragma once

#include <cstddef>

namespace tapeloop::detail {

/// The order in which a recurrence goes through the rows of its operands: from the first to the last, or
/// reversed.
struct RecurrenceRows {
    std::size_t count;
    std::size_t width;
    bool is_reversed;

    /// The elements in front of the row of step `k`.
    std::size_t at(std::size_t k) const { return (is_reversed ? count - 1 - k : k) * width; }
};

/// y(k) = a(k) y(k - 1) + b(k) for every row, y(-1) being `start`, or nothing if that is null. Threads share
/// the columns.
template <class T>
void run_recurrence(const RecurrenceRows& rows, const T* a, const T* b, const T* start, T* y);

/// The cotangents of that: `of_b`(k) = g(k) + a(k + 1) of_b(k + 1), and `of_a`(k) = of_b(k) y(k - 1), 0 where
/// of_b is 0. `of_a` may be null.
template <class T>
void run_recurrence_back(const RecurrenceRows& rows, const T* a, const T* start, const T* y, const T* g,
                         T* of_a, T* of_b);

extern template void run_recurrence(const RecurrenceRows&, const float*, const float*, const float*, float*);
extern template void run_recurrence(const RecurrenceRows&, const double*, const double*, const double*,
                                    double*);
extern template void run_recurrence_back(const RecurrenceRows&, const float*, const float*, const float*,
                                         const float*, float*, float*);
extern template void run_recurrence_back(const RecurrenceRows&, const double*, const double*, const double*,
                                         const double*, double*, double*);

}  // namespace tapeloop::detail
