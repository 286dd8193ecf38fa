#pragma once

#include <nn/files/checkpoint/saved.hpp>
#include <nn/sequence/state.hpp>

namespace tapeloop::nn {

namespace detail {

template <class S, class T>
inline constexpr bool is_carried = false;
template <class T>
inline constexpr bool is_carried<Tensor<T>, T> = true;
template <class S, class T>
inline constexpr bool is_carried<std::vector<S>, T> = is_carried<S, T>;
template <class S, std::size_t N, class T>
inline constexpr bool is_carried<std::array<S, N>, T> = is_carried<S, T>;
template <class... S, class T>
inline constexpr bool is_carried<std::tuple<S...>, T> = (is_carried<S, T> && ...);
template <class A, class B, class T>
inline constexpr bool is_carried<std::pair<A, B>, T> = is_carried<A, T>&& is_carried<B, T>;

template <class T, class S>
void name_tensors(NamedTensors<T>& list, const std::string& name, S& state) {
    const auto below = [&](std::size_t place) {
        return name.empty() ? std::to_string(place) : name + "/" + std::to_string(place);
    };
    if constexpr (is_list<S>) {
        for (std::size_t i = 0; i < state.size(); ++i) name_tensors<T>(list, below(i), state[i]);
    } else if constexpr (has_fields<S>) {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (name_tensors<T>(list, below(K), std::get<K>(state)), ...);
        }
        (std::make_index_sequence<std::tuple_size_v<S>>());
    } else {
        list.emplace_back(name, &state);
    }
}

}  // namespace detail

/// What `carry` makes of a state: a `Tensor<T>`, or a pair, tuple, array or vector of such states.
template <class S, class T>
concept CarriedState = detail::is_carried<S, T>;

namespace detail {

template <class T, CarriedState<T> S>
Saved saved_carried(S& state) {
    return saved_state<T>([&state] {
        NamedTensors<T> list;
        name_tensors<T>(list, "", state);
        return list;
    });
}

}  // namespace detail

}  // namespace tapeloop::nn
