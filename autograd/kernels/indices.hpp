#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace tapeloop::detail {

/// Calls `f` with the numbers 0 to N - 1 as constants, each an argument of its own:
/// `with_indices<2>([](auto... k) { return std::tuple{element<k>()...}; })`.
template <std::size_t N, class F>
constexpr decltype(auto) with_indices(F&& f) {
    const auto call = [&f]<std::size_t... K>(std::index_sequence<K...>)->decltype(auto) {
        return f(std::integral_constant<std::size_t, K>()...);
    };
    return call(std::make_index_sequence<N>());
}

}  // namespace tapeloop::detail
