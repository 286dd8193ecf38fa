#pragma once

#include <autograd/kernels/lanes.hpp>

#include <algorithm>
#include <array>

namespace tapeloop::optim::detail {

using tapeloop::detail::Lanes;

/// Whether `quantity(registers)` is finite for all `size` elements; the registers are those of each input.
template <class T, std::size_t N, class F>
bool all_finite(std::size_t size, const std::array<const T*, N>& inputs, const F& quantity) {
    constexpr std::size_t width = Lanes<T>::width;
    Lanes<T> probe = 0;  // 0 times a NaN or an infinity is NaN, and stays it in a sum
    std::array<Lanes<T>, N> in;
    const std::size_t whole = size / width * width;
    for (std::size_t i = 0; i < whole; i += width) {
        for (std::size_t k = 0; k < N; ++k) in[k] = Lanes<T>::load(inputs[k] + i);
        probe = probe + 0 * quantity(in);
    }
    if (whole < size) {
        for (std::size_t k = 0; k < N; ++k) in[k] = Lanes<T>::load(inputs[k] + whole, size - whole);
        probe = probe + 0 * quantity(in);
    }
    std::array<T, width> sums;
    probe.store(sums.data());
    return std::all_of(sums.begin(), sums.end(), [](T sum) { return sum == 0; });
}

}  // namespace tapeloop::optim::detail
