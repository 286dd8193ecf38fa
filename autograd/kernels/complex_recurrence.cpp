#include <autograd/kernels/complex_recurrence.hpp>
#include <autograd/kernels/lanes.hpp>
#include <autograd/kernels/threads.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

/// Where a register's worth of numbers lies in a row: in one of `half` elements a group, as a has them, and
/// its real and imaginary parts in one of 2 `half`.
struct PlaceInRow {
    std::size_t of_a;
    std::size_t re;
    std::size_t im;
};

/// Calls `f(begin, end)` for ranges of registers, of which a row has `registers`; threads share them where
/// that is worth it for so many elements in all.
template <class F>
void share_registers(std::size_t registers, std::size_t elements, const F& f) {
    const bool is_worth_it = elements >= worth_sharing;
    const std::size_t parts = is_worth_it ? std::clamp<std::size_t>(thread_count(), 1, registers) : 1;
    if (parts == 1) return f(std::size_t(0), registers);
    in_parallel(parts,
                [&](std::size_t part) { f(registers * part / parts, registers * (part + 1) / parts); });
}

/// Calls `f(place, load, store)` for registers `begin` to `end` of a row, `in_group` of them each group.
template <class T, class F>
void each_complex_register(const ComplexRecurrenceRows& rows, std::size_t in_group, std::size_t begin,
                           std::size_t end, const F& f) {
    using L = Lanes<T>;
    std::size_t group = begin / in_group;
    std::size_t place = begin % in_group;
    for (std::size_t k = begin; k < end; ++k) {
        const std::size_t column = place * L::width;
        const std::size_t real = 2 * group * rows.half + column;
        const PlaceInRow at{group * rows.half + column, real, real + rows.half};
        if (const std::size_t rest = rows.half - column; rest >= L::width)
            f(
                at, [](const T* from) { return L::load(from); }, [](L x, T* to) { x.store(to); });
        else
            f(
                at, [rest](const T* from) { return L::load(from, rest); },
                [rest](L x, T* to) { x.store(to, rest); });
        if (++place == in_group) {
            place = 0;
            ++group;
        }
    }
}

template <class T>
std::size_t registers_in_group(const ComplexRecurrenceRows& rows) {
    return (rows.half + Lanes<T>::width - 1) / Lanes<T>::width;
}

/// g x, but 0 where g is 0.
template <class T>
Lanes<T> scaled(Lanes<T> g, Lanes<T> x) {
    return where(equal(g, 0), 0, g * x);
}

}  // namespace

template <class T>
void run_complex_recurrence(const ComplexRecurrenceRows& rows, const ComplexParts<const T>& a, const T* b,
                            const T* start, T* y) {
    const std::size_t width = rows.groups * rows.half;
    if (width == 0) return;
    const std::size_t in_group = registers_in_group<T>(rows);
    share_registers(rows.groups * in_group, 6 * width * rows.count, [&](std::size_t begin, std::size_t end) {
        const T* before = start;
        for (std::size_t k = 0; k < rows.count; ++k) {
            const std::size_t of_a = rows.at(k) * width;
            const std::size_t row = 2 * of_a;
            each_complex_register<T>(
                rows, in_group, begin, end, [&](const PlaceInRow& at, auto load, auto store) {
                    const Lanes<T> a_re = load(a.re + of_a + at.of_a);
                    const Lanes<T> a_im = load(a.im + of_a + at.of_a);
                    const Lanes<T> re = load(before + at.re);
                    const Lanes<T> im = load(before + at.im);
                    store(a_re * re - a_im * im + load(b + row + at.re), y + row + at.re);
                    store(a_re * im + a_im * re + load(b + row + at.im), y + row + at.im);
                });
            before = y + row;
        }
    });
}

template <class T>
void run_complex_recurrence_back(const ComplexRecurrenceRows& rows, const ComplexParts<const T>& a,
                                 const T* start, const T* y, const T* g, const ComplexParts<T>& of_a,
                                 T* of_b) {
    const std::size_t width = rows.groups * rows.half;
    if (width == 0) return;
    const std::size_t in_group = registers_in_group<T>(rows);
    share_registers(rows.groups * in_group, 10 * width * rows.count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = rows.count; k-- > 0;) {
            const bool is_last = k + 1 == rows.count;
            const std::size_t row = rows.at(k) * width;
            const std::size_t next = is_last ? row : rows.at(k + 1) * width;
            const T* const before = k > 0 ? y + 2 * width * rows.at(k - 1) : start;
            each_complex_register<T>(
                rows, in_group, begin, end, [&](const PlaceInRow& at, auto load, auto store) {
                    Lanes<T> re = load(g + 2 * row + at.re);
                    Lanes<T> im = load(g + 2 * row + at.im);
                    if (!is_last) {
                        const Lanes<T> a_re = load(a.re + next + at.of_a);
                        const Lanes<T> a_im = load(a.im + next + at.of_a);
                        const Lanes<T> later_re = load(of_b + 2 * next + at.re);
                        const Lanes<T> later_im = load(of_b + 2 * next + at.im);
                        re = re + (a_re * later_re + a_im * later_im);
                        im = im + (a_re * later_im - a_im * later_re);
                    }
                    store(re, of_b + 2 * row + at.re);
                    store(im, of_b + 2 * row + at.im);
                    if (of_a.re == nullptr && of_a.im == nullptr) return;
                    const Lanes<T> y_re = load(before + at.re);
                    const Lanes<T> y_im = load(before + at.im);
                    if (of_a.re != nullptr)
                        store(scaled(re, y_re) + scaled(im, y_im), of_a.re + row + at.of_a);
                    if (of_a.im != nullptr)
                        store(scaled(im, y_re) - scaled(re, y_im), of_a.im + row + at.of_a);
                });
        }
    });
}

template void run_complex_recurrence(const ComplexRecurrenceRows&, const ComplexParts<const float>&,
                                     const float*, const float*, float*);
template void run_complex_recurrence(const ComplexRecurrenceRows&, const ComplexParts<const double>&,
                                     const double*, const double*, double*);
template void run_complex_recurrence_back(const ComplexRecurrenceRows&, const ComplexParts<const float>&,
                                          const float*, const float*, const float*,
                                          const ComplexParts<float>&, float*);
template void run_complex_recurrence_back(const ComplexRecurrenceRows&, const ComplexParts<const double>&,
                                          const double*, const double*, const double*,
                                          const ComplexParts<double>&, double*);

}  // namespace tapeloop::detail
