#pragma once

#include <autograd/kernels/indices.hpp>
#include <autograd/parameter.hpp>

#include <array>
#include <concepts>
#include <span>
#include <tuple>
#include <type_traits>

/// This file turns the arguments of `map` into the streams of one pass.
namespace tapeloop {

/// A packed value [.., n H] as an argument of `map`: the function receives a tuple of its n parts [.., H], in
/// order, without any of them being copied.
template <class T, std::size_t n>
struct Gates {
    Var<T> packed;
    /// Instead of a `Var`: what enters the tape once the shapes have been checked.
    const Parameter<T>* parameter = nullptr;
    const Tensor<T>* tensor = nullptr;
};

/// The n equal parts of the last axis: `map([](auto a, ...) { auto [input, forget] = a; ... }, gates<2>(a),
/// ...)`.
template <std::size_t n, class T>
Gates<T, n> gates(const Var<T>& packed) {
    return {packed};
}
/// Splits a parameter, such as a packed bias [n H].
template <std::size_t n, class T>
Gates<T, n> gates(const Parameter<T>& packed) {
    return {Var<T>(), &packed};
}
/// Splits a constant, which must outlive the call of `map`.
template <std::size_t n, class T>
Gates<T, n> gates(const Tensor<T>& packed) {
    return {Var<T>(), nullptr, &packed};
}

namespace detail {

/// The type of what an argument of `map` stands for, `void` for a constant.
template <class A>
struct MapTracked : std::type_identity<TrackedValue<A>> {};
template <class T, std::size_t n>
struct MapTracked<Gates<T, n>> : std::type_identity<T> {};
/// The element type that a constant asks for; `void` if it fits both types.
template <class A>
struct MapConstant : std::type_identity<void> {};
template <TensorExpression A>
requires std::floating_point<ExpressionValue<A>>
struct MapConstant<A> : std::type_identity<ExpressionValue<A>> {
};

template <class... X>
struct FirstType : std::type_identity<void> {};
template <class X, class... More>
struct FirstType<X, More...>
    : std::conditional_t<std::is_void_v<X>, FirstType<More...>, std::type_identity<X>> {};

/// `float` or `double`, as the first `Var` or `Parameter` says, or else the first tensor; void when there are
/// only numbers.
template <class... A>
using MapValue = typename FirstType<typename MapTracked<A>::type..., typename MapConstant<A>::type...>::type;

/// Turns the arguments of `map` into the streams of a pass: `parts` of them each, 0 for one that is not
/// packed.
template <class T, class A>
struct MapArgument {
    static constexpr std::size_t parts = 0;
    static Operand<T> operand(const A& x, const CallSite& site) {
        if constexpr (std::constructible_from<Operand<T>, const A&, CallSite>) {
            return Operand<T>(x, site);
        } else {
            static_assert(never<A>,
                          "map: an argument must be a Var, a Parameter, gates<n>(...), a Tensor, an xtensor "
                          "expression or a number, and all must be of one type, float or double");
            return Operand<T>(0, site);
        }
    }
};
template <class T, std::size_t n>
struct MapArgument<T, Gates<T, n>> {
    static constexpr std::size_t parts = n;
    static Operand<T> operand(const Gates<T, n>& x, const CallSite& site) {
        if (x.tensor != nullptr) return Operand<T>(*x.tensor, site);
        return x.parameter != nullptr ? Operand<T>(*x.parameter, site) : Operand<T>(x.packed, site);
    }
};

template <class X>
inline constexpr bool is_tuple = false;
template <class... X>
inline constexpr bool is_tuple<std::tuple<X...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;
template <class X, std::size_t n>
inline constexpr bool is_tuple<std::array<X, n>> = true;

/// One result or several, as a tuple.
template <class R>
auto as_tuple(const R& results) {
    if constexpr (is_tuple<R>)
        return std::apply([](const auto&... x) { return std::tuple{x...}; }, results);
    else
        return std::tuple{results};
}

/// The largest numbers of arguments and of results of a map.
inline constexpr std::size_t most_map_arguments = 32;

/// The argument that a stream belongs to, and the part of it that the stream is.
struct StreamPlace {
    std::size_t argument;
    std::size_t part;
};

/// The streams of a map at run time.
struct MapTable {
    std::span<const std::size_t> part_counts;  ///< of each argument; 0 for one that is not packed
    std::span<const StreamPlace> places;       ///< of each stream
    std::size_t results = 0;
};

/// The streams of `parts...` arguments, numbered through.
template <std::size_t... parts>
struct MapStreams {
    static constexpr std::size_t arguments = sizeof...(parts);
    static constexpr std::array<std::size_t, arguments> part_counts{parts...};
    static constexpr std::size_t streams = ((parts == 0 ? 1 : parts) + ... + 0);
    static_assert(arguments <= most_map_arguments, "map takes at most 32 arguments");

    static constexpr std::array<StreamPlace, streams> places = [] {
        std::array<StreamPlace, streams> all{};
        std::size_t k = 0;
        for (std::size_t a = 0; a < arguments; ++a)
            for (std::size_t part = 0; part < (part_counts[a] == 0 ? 1 : part_counts[a]); ++part)
                all[k++] = {a, part};
        return all;
    }();
    static MapTable table(std::size_t results) { return {part_counts, places, results}; }

    /// Calls f with one value per argument; `stream(integral_constant<k>)` is the k-th stream.
    template <class F, class Stream>
    static auto call(const F& f, const Stream& stream) {
        return with_indices<arguments>([&](auto... a) { return f(argument<a>(stream)...); });
    }

  private:
    static constexpr std::size_t first_stream(std::size_t argument) {
        std::size_t stream = 0;
        for (std::size_t i = 0; i < argument; ++i) stream += part_counts[i] == 0 ? 1 : part_counts[i];
        return stream;
    }
    template <std::size_t a, class Stream>
    static auto argument(const Stream& stream) {
        constexpr std::size_t first = first_stream(a);
        if constexpr (part_counts[a] == 0)
            return stream(std::integral_constant<std::size_t, first>());
        else
            return with_indices<part_counts[a]>([&](auto... p) {
                return std::tuple{stream(std::integral_constant<std::size_t, first + p>())...};
            });
    }
};

}  // namespace detail

}  // namespace tapeloop
