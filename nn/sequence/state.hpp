#pragma once

#include <autograd/tape.hpp>

#include <array>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// The state of a cell is a `Var`, or a std::pair, std::tuple, std::array or std::vector of states: an LSTM's
/// is an array of two, a stack's a vector of its layers' states. The functions here work on all of them.
namespace tapeloop::nn {

namespace detail {

template <class S>
inline constexpr bool is_list = false;
template <class S>
inline constexpr bool is_list<std::vector<S>> = true;
template <class S, std::size_t N>
inline constexpr bool is_list<std::array<S, N>> = true;

template <class S>
inline constexpr bool has_fields = false;
template <class A, class B>
inline constexpr bool has_fields<std::pair<A, B>> = true;
template <class... S>
inline constexpr bool has_fields<std::tuple<S...>> = true;

// The structure S with parts of other types.
template <class S, class... Parts>
struct Rebinding;
template <class S, class Part>
struct Rebinding<std::vector<S>, Part> {
    using type = std::vector<Part>;
};
template <class S, std::size_t N, class Part>
struct Rebinding<std::array<S, N>, Part> {
    using type = std::array<Part, N>;
};
template <class A, class B, class... Parts>
struct Rebinding<std::pair<A, B>, Parts...> {
    using type = std::pair<Parts...>;
};
template <class... S, class... Parts>
struct Rebinding<std::tuple<S...>, Parts...> {
    using type = std::tuple<Parts...>;
};
template <class S, class... Parts>
using Rebound = typename Rebinding<S, Parts...>::type;

// The T of the first Var in a state; void if it has none.
template <class S>
struct StateValue {
    using type = void;
};
template <class T>
struct StateValue<Var<T>> {
    using type = T;
};
template <class S>
struct StateValue<std::vector<S>> : StateValue<S> {};
template <class S, std::size_t N>
struct StateValue<std::array<S, N>> : StateValue<S> {};
template <class First, class... More>
struct StateValue<std::tuple<First, More...>>
    : std::conditional_t<std::is_void_v<typename StateValue<First>::type>, StateValue<std::tuple<More...>>,
                         StateValue<First>> {};
template <class A, class B>
struct StateValue<std::pair<A, B>> : StateValue<std::tuple<A, B>> {};

template <class S>
inline constexpr bool has_value = !std::is_void_v<typename StateValue<S>::type>;

template <class S, class T>
inline constexpr bool is_state = false;
template <class T>
inline constexpr bool is_state<Var<T>, T> = true;
template <class S, class T>
inline constexpr bool is_state<std::vector<S>, T> = is_state<S, T>;
template <class S, std::size_t N, class T>
inline constexpr bool is_state<std::array<S, N>, T> = is_state<S, T>;
template <class... S, class T>
inline constexpr bool is_state<std::tuple<S...>, T> = (is_state<S, T> && ...);
template <class A, class B, class T>
inline constexpr bool is_state<std::pair<A, B>, T> = is_state<A, T>&& is_state<B, T>;

}  // namespace detail

/// A `Var<T>`, or a pair, tuple, array or vector of states.
template <class S, class T>
concept State = detail::is_state<S, T>;

namespace detail {

template <std::size_t K, class F, class... S>
auto with_element(const F& f, const S&... states) {
    return f(std::get<K>(states)...);
}

}  // namespace detail

/// Calls `f` with each part of `state`, together with the same parts of states of the same structure.
template <class F, class S, class... Same>
void for_each_part(const F& f, const S& state, const Same&... same) {
    if constexpr (detail::is_list<S>) {
        for (std::size_t i = 0; i < state.size(); ++i) for_each_part(f, state[i], same[i]...);
    } else if constexpr (detail::has_fields<S>) {
        const auto deeper = [&f](const auto&... elements) { for_each_part(f, elements...); };
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (detail::with_element<K>(deeper, state, same...), ...);
        }
        (std::make_index_sequence<std::tuple_size_v<S>>());
    } else {
        f(state, same...);
    }
}

/// Returns the same structure, made of what `f` gives for each part of `state` (and the same parts of the
/// others).
template <class F, class S, class... Same>
auto map_state(const F& f, const S& state, const Same&... same) {
    const auto deeper = [&f](const auto&... elements) { return map_state(f, elements...); };
    if constexpr (detail::is_list<S>) {
        detail::Rebound<S, decltype(deeper(state[0], same[0]...))> parts;
        if constexpr (requires { parts.resize(0); }) parts.resize(state.size());
        for (std::size_t i = 0; i < state.size(); ++i) parts[i] = deeper(state[i], same[i]...);
        return parts;
    } else if constexpr (detail::has_fields<S>) {
        return [&]<std::size_t... K>(std::index_sequence<K...>) {
            return detail::Rebound<S, decltype(detail::with_element<K>(deeper, state, same...))...>{
                detail::with_element<K>(deeper, state, same...)...};
        }
        (std::make_index_sequence<std::tuple_size_v<S>>());
    } else {
        return f(state, same...);
    }
}

namespace detail {

/// The parts of a state, in order.
template <class T, class S>
std::vector<Var<T>> listed(const S& state) {
    std::vector<Var<T>> list;
    for_each_part([&](const Var<T>& part) { list.push_back(part); }, state);
    return list;
}

/// A list of parts as a state of the structure of `like`.
template <class T, class S>
S structured(const std::vector<Var<T>>& list, const S& like) {
    auto next = list.begin();
    return map_state([&](const Var<T>&) { return *next++; }, like);
}

}  // namespace detail

/// Returns whether the parts of two states have the same shapes, or shapes that `fits` takes for the same,
/// and vectors in them the same length.
template <class S, class Fits = std::equal_to<>>
bool same_shapes(const S& a, const S& b, const Fits& fits = {}) {
    bool same = true;
    if constexpr (detail::is_list<S>) {
        same = a.size() == b.size();
        for (std::size_t i = 0; same && i < a.size(); ++i) same = same_shapes(a[i], b[i], fits);
    } else if constexpr (detail::has_fields<S>) {
        const auto compare = [&](const auto& x, const auto& y) { same = same && same_shapes(x, y, fits); };
        [&]<std::size_t... K>(std::index_sequence<K...>) { (detail::with_element<K>(compare, a, b), ...); }
        (std::make_index_sequence<std::tuple_size_v<S>>());
    } else {
        same = fits(a.shape(), b.shape());
    }
    return same;
}

/// The shapes of a state's parts, in order.
template <class S>
std::vector<Shape> shapes_of(const S& state) {
    std::vector<Shape> shapes;
    for_each_part([&](const auto& part) { shapes.push_back(part.shape()); }, state);
    return shapes;
}

/// The values of a state, in the same structure of `Tensor`s: they outlive the tape, and no gradient passes.
/// Together with `resume` it carries a state from one stretch of a sequence to the next: truncated BPTT
/// (Williams and Peng, 1990).
template <class S>
auto carry(const S& state) {
    return map_state([](const auto& part) { return part.value(); }, state);
}

/// The values of a state of type S, as `carry` takes them.
template <class S>
using Carried = decltype(carry(std::declval<const S&>()));

/// A carried state on the current tape, as inputs whose gradients can be asked for.
template <class C>
auto resume(const C& carried) {
    return map_state([](const auto& tensor) { return input(tensor); }, carried);
}

}  // namespace tapeloop::nn
