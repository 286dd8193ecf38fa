#pragma once

#include <autograd/kernels/as_double.hpp>
#include <nn/check/cell_under_check.hpp>
#include <nn/check/starting_state.hpp>
#include <nn/generator.hpp>

#include <optional>

/// This file makes a copy of a cell in double.
namespace tapeloop::nn::detail {

// C<double> for arguments that are float alone.
template <template <class...> class C, class... Arguments>
struct Doubled {
    using type = void;
};
template <template <class...> class C>
struct Doubled<C, float> {
    using type = C<double>;
};

template <class C>
struct InDouble {
    using type = void;
};
template <template <class...> class C, class... Arguments>
struct InDouble<C<Arguments...>> : Doubled<C, Arguments...> {};
template <class C>
using DoubleOf = typename InDouble<C>::type;

template <class C>
inline constexpr bool is_converted = std::is_constructible_v<DoubleOf<C>, const C&>;
template <class C>
inline constexpr bool is_made_by_sizes =
    std::is_constructible_v<DoubleOf<C>, std::size_t, std::size_t, Generator&>;

/// True if a cell may have a copy in double.
template <class C>
inline constexpr bool has_double = !std::is_void_v<DoubleOf<C>> && (is_converted<C> || is_made_by_sizes<C>);

/// Returns the width of the first part of the cell's state; 0 if it has none.
std::size_t hidden_size_of(const AnyLayer<float>& layer);
/// Gives `twin` the parameters of `cell`. Returns whether they are called the same, and both then give about
/// the same values for x, and gradients that are not far from each other, from a state near the start and, if
/// that is random, from one far from it.
bool is_twin(const CellUnderCheck<float>& cell, const CellUnderCheck<double>& twin, const Tensor<float>& x,
             const StartingState& start);

/// The cell in double, if it can be made and is found to do the same.
template <class C>
std::optional<DoubleOf<C>> in_double(C& cell, const Tensor<float>& x, const StartingState& start) {
    if (x.dimension() != 3) return {};
    const CellUnderCheck<float> subject = under_check(cell);
    std::optional<DoubleOf<C>> twin;
    try {
        if constexpr (is_converted<C>) {
            twin.emplace(std::as_const(cell));
        } else {
            Generator generator(1);
            twin.emplace(x.shape(2), hidden_size_of(subject.layer), generator);
        }
        if (!is_twin(subject, under_check(*twin), x, start)) twin.reset();
    } catch (...) {
        twin.reset();  // the check of the cell itself will meet what is wrong
    }
    return twin;
}

}  // namespace tapeloop::nn::detail
