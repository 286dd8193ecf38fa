#pragma once

#include <autograd/map/map_operation.hpp>

namespace tapeloop {

namespace detail {

template <class Streams, class T, class F, class... Operands>
auto map_operands(const F& function, const CallSite& site, const Operands&... operands) {
    using Op = MapOperation<T, F, Streams>;
    const std::array<const Operand<T>*, sizeof...(Operands)> list{&operands...};
    std::array<Var<T>, Op::Out> results;
    Op(function).record(list, site, results.data());
    if constexpr (Op::Out == 1)
        return results[0];
    else
        return results;
}

template <class T, class F, class... A>
auto map_arguments(const F& function, const CallSite& site, const A&... a) {
    using Streams = MapStreams<MapArgument<T, A>::parts...>;
    static_assert(Streams::streams <= 42, "map: all arguments together, gates counted one by one, may be 42");
    return map_operands<Streams, T>(function, site, MapArgument<T, A>::operand(a, site)...);
}

/// Stands for an argument of `map` that was not given.
struct NotGiven {};
template <class A>
concept Given = !std::same_as<A, NotGiven> && !std::same_as<A, CallSite>;
template <class... A>
using GivenCount = std::integral_constant<std::size_t, (std::size_t(Given<A>) + ...)>;

/// The first `K` of all arguments; a site of the caller's may stand behind them.
template <class F, std::size_t... K, class... A>
auto record_given(const F& function, const CallSite& site, std::index_sequence<K...>, const A&... a) {
    const std::tuple<const A&...> all(a...);
    const auto caller = [&]() -> const CallSite& {
        if constexpr ((std::same_as<A, CallSite> || ...))
            return std::get<const CallSite&>(all);
        else
            return site;
    };
    using T = MapValue<std::tuple_element_t<K, std::tuple<A...>>...>;
    static_assert(!std::is_void_v<T>, "map: one argument at least must be a Var, a Parameter or a tensor");
    if constexpr (!std::is_void_v<T>)
        return map_arguments<T>(function, caller(), std::get<K>(all)...);
    else
        return Var<double>();
}

}  // namespace detail

/// An elementwise function written once, as a generic lambda: computed in one fused pass over registers, its
/// derivative in another; replayed operation by operation for gradients of higher order, and on a tape with
/// `fuse = false`. Arguments, sixteen at most, are `Var`s, `Parameter`s, `gates<n>(...)`, and as constants
/// `Tensor`s, xtensor expressions and numbers; their shapes broadcast. The function returns one value, or
/// several in a `std::tuple`; `map` returns a `Var`, or a `std::array` of them.
///
///     auto [h, c_next] = map([](auto a, auto c) {
///         auto [input, forget, candidate, output] = a;
///         auto next = sigmoid(forget) * c + sigmoid(input) * tanh(candidate);
///         return std::tuple{sigmoid(output) * tanh(next), next};
///     }, gates<4>(a), c);
///
/// The function may use + - * /, comparisons, `where`, and the elementwise functions of the library; give
/// each intermediate result a name of its own, for its type says which arguments it depends on. What it
/// captures is copied, and constant. Throws `std::invalid_argument` when the shapes do not broadcast.
template <class F, class A1, class A2 = detail::NotGiven, class A3 = detail::NotGiven,
          class A4 = detail::NotGiven, class A5 = detail::NotGiven, class A6 = detail::NotGiven,
          class A7 = detail::NotGiven, class A8 = detail::NotGiven, class A9 = detail::NotGiven,
          class A10 = detail::NotGiven, class A11 = detail::NotGiven, class A12 = detail::NotGiven,
          class A13 = detail::NotGiven, class A14 = detail::NotGiven, class A15 = detail::NotGiven,
          class A16 = detail::NotGiven>
auto map(const F& f, const A1& a1, const A2& a2 = {}, const A3& a3 = {}, const A4& a4 = {}, const A5& a5 = {},
         const A6& a6 = {}, const A7& a7 = {}, const A8& a8 = {}, const A9& a9 = {}, const A10& a10 = {},
         const A11& a11 = {}, const A12& a12 = {}, const A13& a13 = {}, const A14& a14 = {},
         const A15& a15 = {}, const A16& a16 = {}, CallSite site = CallSite::current()) {
    // Not a pack: a default argument behind one cannot tell the caller's line.
    using Count = detail::GivenCount<A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16>;
    return detail::record_given(f, site, std::make_index_sequence<Count::value>(), a1, a2, a3, a4, a5, a6, a7,
                                a8, a9, a10, a11, a12, a13, a14, a15, a16);
}
/// This overload refuses more arguments than there are places for.
template <class F, class... A>
requires(sizeof...(A) > 16 && (detail::Given<A> && ...)) auto map(const F& f, const A&... a) {
    static_assert(detail::never<F>,
                  "map: it takes sixteen arguments; pack some into one and hand it over as gates<n>(...)");
    return detail::map_arguments<detail::MapValue<A...>>(f, CallSite::current(), a...);
}

}  // namespace tapeloop
