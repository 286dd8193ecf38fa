#pragma once

#include <autograd/check/input.hpp>
#include <autograd/tape.hpp>

#include <functional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace tapeloop {

template <class Value, class... Rules>
class Custom;

/// A function as the checks call it: from its tensors to its results.
template <class T>
using CheckFunction = std::function<std::vector<Var<T>>(const std::vector<Var<T>>&)>;

namespace detail {

inline constexpr std::size_t most_arguments = 10;

template <class T>
std::vector<Var<T>> as_results(const Var<T>& result) {
    return {result};
}
template <class T, std::ranges::range R>
std::vector<Var<T>> as_results(const R& results) {
    return {std::ranges::begin(results), std::ranges::end(results)};
}
template <class T, class... R>
std::vector<Var<T>> as_results(const std::tuple<R...>& results) {
    return std::apply([](const auto&... one) { return std::vector<Var<T>>{one...}; }, results);
}
template <class T, class A, class B>
std::vector<Var<T>> as_results(const std::pair<A, B>& results) {
    return {results.first, results.second};
}

template <class V, std::size_t>
using ArgumentAt = const V&;

template <class T, class F, std::size_t... I>
constexpr bool takes_each(std::index_sequence<I...>) {
    return std::is_invocable_v<const F&, ArgumentAt<Var<T>, I>...>;
}

/// True if f may be asked for `n` arguments: a custom operation seems to take any number.
template <class F>
inline constexpr auto has_arity = [](std::size_t) { return true; };
template <class Value, class... Rules>
inline constexpr auto has_arity<Custom<Value, Rules...>> =
    [](std::size_t n) { return n == sizeof...(Rules); };

/// True if f takes `n` Vars, one by one.
template <class T, class F, std::size_t n>
inline constexpr bool takes = has_arity<F>(n) && takes_each<T, F>(std::make_index_sequence<n>());

/// True if f takes Vars of T, in any number.
template <class T, class F>
inline constexpr bool takes_any = []<std::size_t... N>(std::index_sequence<N...>) {
    return (takes<T, F, N + 1> || ...);
}
(std::make_index_sequence<most_arguments>());

template <class T, class F, std::size_t n>
bool call_if(const F& f, const std::vector<Var<T>>& x, std::vector<Var<T>>& results) {
    if constexpr (takes<T, F, n>) {
        if (x.size() != n) return false;
        results = [&]<std::size_t... I>(std::index_sequence<I...>) { return as_results<T>(f(x[I]...)); }
        (std::make_index_sequence<n>());
        return true;
    } else {
        return false;
    }
}

[[noreturn]] void fail_arguments(std::size_t tensors);

/// Returns f with its arguments in a list. It refers to f.
template <class T, class F>
CheckFunction<T> erased(const F& f) {
    return [&f](const std::vector<Var<T>>& x) {
        std::vector<Var<T>> results;
        const bool called = [&]<std::size_t... N>(std::index_sequence<N...>) {
            return (call_if<T, F, N>(f, x, results) || ...);
        }
        (std::make_index_sequence<most_arguments + 1>());
        if (called) return results;
        // Not asked at all of a generic function of Vars, whose body might not compile for a list.
        if constexpr (std::conjunction_v<std::bool_constant<!takes_any<T, F>>,
                                         std::is_invocable<const F&, const std::vector<Var<T>>&>>)
            return as_results<T>(f(x));
        else
            fail_arguments(x.size());
    };
}

}  // namespace detail
}  // namespace tapeloop
