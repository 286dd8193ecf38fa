#pragma once

#include <autograd/kernels/lanes.hpp>
#include <autograd/ops/elementary.hpp>

#include <array>
#include <bit>
#include <cstdint>

namespace tapeloop {

namespace detail {

/// The inputs of a function that an intermediate result depends on, one bit each.
using Inputs = std::uint64_t;

/// A value with its derivatives by those inputs it depends on; which they are is part of the type, so the
/// zeros of a Jacobian cost nothing. `V` is `Lanes`: the derivative of an elementwise function is one more
/// pass over registers.
template <class V, Inputs bits>
struct Dual {
    using value_type = V;
    static constexpr std::size_t count = static_cast<std::size_t>(std::popcount(bits));

    V value;
    std::array<V, count> slopes;

    template <std::size_t input>
    static constexpr bool depends_on = (bits >> input & 1U) != 0;
    /// The place among `slopes` of the derivative by `input`.
    template <std::size_t input>
    static constexpr std::size_t place = static_cast<std::size_t>(std::popcount(bits&((Inputs(1) << input) -
                                                                                      1)));

    template <std::size_t input>
    V slope() const {
        if constexpr (depends_on<input>)
            return slopes[place<input>];
        else
            return V(0);
    }

    /// Refused, before anything else is said of the branches.
    template <std::same_as<bool> B, B = refuse_truth<B>()>
    explicit operator B() const {
        return false;
    }
};

template <class V, Inputs bits>
inline constexpr bool is_elementwise_argument<Dual<V, bits>> = true;

template <class X>
struct DualTraits {
    static constexpr bool is_dual = false;
    static constexpr Inputs bits = 0;
};
template <class V, Inputs b>
struct DualTraits<Dual<V, b>> {
    static constexpr bool is_dual = true;
    static constexpr Inputs bits = b;
    using Value = V;
};
template <class X>
inline constexpr bool is_dual = DualTraits<X>::is_dual;

template <class... X>
struct DualValue;
template <class V, Inputs b, class... X>
struct DualValue<Dual<V, b>, X...> {
    using type = V;
};
template <class S, class... X>
struct DualValue<S, X...> : DualValue<X...> {};

template <class V, class X>
V value_of(const X& x) {
    if constexpr (is_dual<X>)
        return x.value;
    else
        return V(x);
}

constexpr std::size_t nth_input(Inputs bits, std::size_t n) {
    while (n-- > 0) bits &= bits - 1;
    return static_cast<std::size_t>(std::countr_zero(bits));
}

/// The sum over the arguments that depend on `input` of rule(argument's slope, y, arguments...).
template <std::size_t input, class V, class Rules, class Values, std::size_t... K, class... X>
V chained(const Rules& rules, const V& y, const Values& values, std::index_sequence<K...>, const X&... x) {
    V total(0);
    bool first = true;
    const auto add = [&](const auto& rule, const auto& argument) {
        using Argument = std::remove_cvref_t<decltype(argument)>;
        if constexpr (is_dual<Argument>) {
            if constexpr (Argument::template depends_on<input>) {
                const V term = std::apply(
                    [&](const auto&... value) { return rule(argument.template slope<input>(), y, value...); },
                    values);
                total = first ? term : total + term;
                first = false;
            }
        }
    };
    (add(std::get<K>(rules), x), ...);
    return total;
}

}  // namespace detail

/// An elementwise function of duals, and of numbers or lanes that are constants among them: the chain rule.
template <class F, class... X>
requires(... || detail::is_dual<X>) auto elementwise(const F& function, const X&... x) {
    using V = typename detail::DualValue<X...>::type;
    constexpr detail::Inputs bits = (detail::DualTraits<X>::bits | ...);
    const std::tuple values{detail::value_of<V>(x)...};
    const V y = std::apply([&](const auto&... value) { return V(function.value(value...)); }, values);
    const auto rules = detail::rules_of(function);
    if constexpr (std::tuple_size_v<decltype(rules)> == 0) {
        return detail::Dual<V, 0>{y, {}};  // a step: it depends on no input
    } else {
        detail::Dual<V, bits> result;
        result.value = y;
        constexpr auto arguments = std::make_index_sequence<sizeof...(X)>();
        [&]<std::size_t... N>(std::index_sequence<N...>) {
            ((result.slopes[N] =
                  detail::chained<detail::nth_input(bits, N)>(rules, result.value, values, arguments, x...)),
             ...);
        }
        (std::make_index_sequence<detail::Dual<V, bits>::count>());
        return result;
    }
}

namespace detail {

template <class A, class B>
concept DualPair = (is_dual<A> && (is_dual<B> || std::is_arithmetic_v<B>)) ||
                   (is_dual<B> && std::is_arithmetic_v<A>);

template <class A, class B>
requires DualPair<A, B>
auto operator+(const A& a, const B& b) { return elementwise(elementary::Add{}, a, b); }
template <class A, class B>
requires DualPair<A, B>
auto operator-(const A& a, const B& b) { return elementwise(elementary::Subtract{}, a, b); }
template <class A, class B>
requires DualPair<A, B>
auto operator*(const A& a, const B& b) { return elementwise(elementary::Multiply{}, a, b); }
template <class A, class B>
requires DualPair<A, B>
auto operator/(const A& a, const B& b) { return elementwise(elementary::Divide{}, a, b); }
template <class V, Inputs bits>
auto operator-(const Dual<V, bits>& x) {
    return elementwise(elementary::Negate{}, x);
}
template <class A, class B>
requires DualPair<A, B>
auto operator<(const A& a, const B& b) {
    using V = typename DualValue<A, B>::type;
    return value_of<V>(a) < value_of<V>(b);
}
template <class A, class B>
requires DualPair<A, B>
auto operator<=(const A& a, const B& b) {
    using V = typename DualValue<A, B>::type;
    return value_of<V>(a) <= value_of<V>(b);
}
template <class A, class B>
requires DualPair<A, B>
auto operator>(const A& a, const B& b) { return b < a; }
template <class A, class B>
requires DualPair<A, B>
auto operator>=(const A& a, const B& b) { return b <= a; }
template <class A, class B>
requires DualPair<A, B>
auto equal(const A& a, const B& b) {
    using V = typename DualValue<A, B>::type;
    return equal(value_of<V>(a), value_of<V>(b));
}

/// The value and the slopes of the branch that was taken.
template <class T, class A, class B>
requires DualPair<A, B>
auto where(const Mask<T>& condition, const A& a, const B& b) {
    using V = typename DualValue<A, B>::type;
    constexpr Inputs bits = DualTraits<A>::bits | DualTraits<B>::bits;
    const auto slope_of = []<std::size_t input>(const auto& x, std::integral_constant<std::size_t, input>) {
        if constexpr (is_dual<std::remove_cvref_t<decltype(x)>>)
            return x.template slope<input>();
        else
            return V(0);
    };
    Dual<V, bits> result;
    result.value = where(condition, value_of<V>(a), value_of<V>(b));
    [&]<std::size_t... N>(std::index_sequence<N...>) {
        ((result.slopes[N] =
              where(condition, slope_of(a, std::integral_constant<std::size_t, nth_input(bits, N)>()),
                    slope_of(b, std::integral_constant<std::size_t, nth_input(bits, N)>()))),
         ...);
    }
    (std::make_index_sequence<Dual<V, bits>::count>());
    return result;
}

}  // namespace detail

}  // namespace tapeloop
