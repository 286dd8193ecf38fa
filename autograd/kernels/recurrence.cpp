#include <autograd/kernels/lanes.hpp>
#include <autograd/kernels/recurrence.hpp>
#include <autograd/kernels/threads.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

/// Calls `f(begin, end)` for ranges of columns, whole registers but for the last; threads share them where
/// that is worth it, given how many elements a column reads and writes.
template <class T, class F>
void share_columns(std::size_t width, std::size_t elements_of_column, const F& f) {
    constexpr std::size_t lanes = Lanes<T>::width;
    const std::size_t registers = (width + lanes - 1) / lanes;
    const bool is_worth_it = width * elements_of_column >= worth_sharing;
    const std::size_t parts = is_worth_it ? std::clamp<std::size_t>(thread_count(), 1, registers) : 1;
    const auto column = [&](std::size_t part) { return std::min(registers * part / parts * lanes, width); };
    if (parts == 1) return f(std::size_t(0), width);
    in_parallel(parts, [&](std::size_t part) { f(column(part), column(part + 1)); });
}

/// Calls `f(column, load, store)` for each register of columns `begin` to `end`, which load and store its
/// elements.
template <class T, class F>
void each_register(std::size_t begin, std::size_t end, const F& f) {
    using L = Lanes<T>;
    std::size_t column = begin;
    for (; column + L::width <= end; column += L::width)
        f(
            column, [](const T* from) { return L::load(from); }, [](L x, T* to) { x.store(to); });
    if (const std::size_t rest = end - column; rest != 0)
        f(
            column, [rest](const T* from) { return L::load(from, rest); },
            [rest](L x, T* to) { x.store(to, rest); });
}

}  // namespace

template <class T>
void run_recurrence(const RecurrenceRows& rows, const T* a, const T* b, const T* start, T* y) {
    share_columns<T>(rows.width, 3 * rows.count, [&](std::size_t begin, std::size_t end) {
        const T* before = start;
        for (std::size_t k = 0; k < rows.count; ++k) {
            const std::size_t row = rows.at(k);
            each_register<T>(begin, end, [&](std::size_t column, auto load, auto store) {
                const std::size_t i = row + column;
                store(before == nullptr ? load(b + i) : load(a + i) * load(before + column) + load(b + i),
                      y + i);
            });
            before = y + row;
        }
    });
}

template <class T>
void run_recurrence_back(const RecurrenceRows& rows, const T* a, const T* start, const T* y, const T* g,
                         T* of_a, T* of_b) {
    share_columns<T>(rows.width, 5 * rows.count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = rows.count; k-- > 0;) {
            const std::size_t row = rows.at(k);
            const std::size_t next = k + 1 < rows.count ? rows.at(k + 1) : row;
            const T* const before = k > 0 ? y + rows.at(k - 1) : start;
            each_register<T>(begin, end, [&](std::size_t column, auto load, auto store) {
                const std::size_t i = row + column;
                Lanes<T> arrived = load(g + i);
                if (next != row) arrived = arrived + load(a + next + column) * load(of_b + next + column);
                store(arrived, of_b + i);
                if (of_a == nullptr) return;
                const Lanes<T> product = before == nullptr ? Lanes<T>(0) : arrived * load(before + column);
                store(where(equal(arrived, 0), 0, product), of_a + i);
            });
        }
    });
}

template void run_recurrence(const RecurrenceRows&, const float*, const float*, const float*, float*);
template void run_recurrence(const RecurrenceRows&, const double*, const double*, const double*, double*);
template void run_recurrence_back(const RecurrenceRows&, const float*, const float*, const float*,
                                  const float*, float*, float*);
template void run_recurrence_back(const RecurrenceRows&, const double*, const double*, const double*,
                                  const double*, double*, double*);

}  // namespace tapeloop::detail
