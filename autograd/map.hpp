#pragma once

#include <autograd/map/map_operation.hpp>

namespace tapeloop {

namespace detail {

template <class Streams, class T, class F, class... Operands>
auto map_operands(const F& function, const Site& site, const Operands&... operands) {
    using Op = MapOperation<T, F, Streams>;
    const std::array<const Operand<T>*, sizeof...(Operands)> list{&operands...};
    std::array<Var<T>, Op::Out> results;
    Op(function).record(list, site, results.data());
    if constexpr (Op::Out == 1)
        return results[0];
    else
        return results;
}

template <class F, class First, class... A>
auto map_arguments(const F& function, const Site& site, const First& first, const A&... a) {
    using T = typename MapArgument<First>::T;
    using Streams = MapStreams<MapArgument<First>::parts, MapArgument<A>::parts...>;
    return map_operands<Streams, T>(function, site, MapArgument<First>::operand(first, site),
                                    MapArgument<A>::operand(a, site)...);
}

}  // namespace detail

/// An elementwise function written once, as a generic lambda: computed in one fused pass over registers, its
/// derivative in another; replayed operation by operation for gradients of higher order, and on a tape with
/// `fuse = false`. Arguments are `Var`s, `Parameter`s and `gates<n>(...)`; their shapes broadcast. The
/// function returns one value, or several in a `std::tuple`; `map` returns a `Var`, or a `std::array` of
/// them.
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
template <class F, class A>
auto map(const F& f, const A& a, Site site = Site::current()) {
    return detail::map_arguments(f, site, a);
}
template <class F, class A, class B>
auto map(const F& f, const A& a, const B& b, Site site = Site::current()) {
    return detail::map_arguments(f, site, a, b);
}
template <class F, class A, class B, class C>
auto map(const F& f, const A& a, const B& b, const C& c, Site site = Site::current()) {
    return detail::map_arguments(f, site, a, b, c);
}
template <class F, class A, class B, class C, class D>
auto map(const F& f, const A& a, const B& b, const C& c, const D& d, Site site = Site::current()) {
    return detail::map_arguments(f, site, a, b, c, d);
}
template <class F, class A, class B, class C, class D, class E>
auto map(const F& f, const A& a, const B& b, const C& c, const D& d, const E& e,
         Site site = Site::current()) {
    return detail::map_arguments(f, site, a, b, c, d, e);
}
template <class F, class A, class B, class C, class D, class E, class G>
auto map(const F& f, const A& a, const B& b, const C& c, const D& d, const E& e, const G& g,
         Site site = Site::current()) {
    return detail::map_arguments(f, site, a, b, c, d, e, g);
}

}  // namespace tapeloop
