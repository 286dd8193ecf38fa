#pragma once

#include <autograd/check/judge/random.hpp>
#include <autograd/ops/elementwise.hpp>

#include <span>
#include <string_view>

/// This file chooses where a check of a cell starts: at random near the cell's initial state, which may be
/// zeros that hide mistakes, or where its user says.
namespace tapeloop::nn::detail {

/// The options of a check that concern the starting state.
struct StartingState {
    bool is_random = true;
    double moved_by = 0.5;                   ///< at most, if it is random
    std::vector<Tensor<double>> given = {};  ///< its parts; none stands for the cell's initial state
};

/// A part's shape with two of everything of which the initial state has none, behind the first axis: a source
/// that attention reads must not stay empty.
Shape opened(const Shape& part);
bool is_open(const Shape& part);

/// Draws rows of `width` elements, one behind the other, each of a size between half of `size` and all of it,
/// on the other side of 0 than in the row before: where a branch on a value of one row decides for all, the
/// other row alone goes the other way, whatever the seed.
template <class T>
void draw_rows(std::span<T> rows, std::size_t width, double size, tapeloop::detail::CheckRandom& random);

/// Random numbers from -`size` to `size`, in the part's opened shape, drawn as above along its first axis.
template <class T>
Tensor<T> random_offset(const Shape& part, tapeloop::detail::CheckRandom& random, double size = 0.5);

/// Throws `std::invalid_argument` in the name of `operation` when the given parts do not fit a cell's initial
/// state, or are to be moved by less than nothing.
void require_start(const std::vector<Shape>& initial, const StartingState& start, std::string_view operation);

/// Returns the offset of each part of the start from the cell's initial state. Throws as above.
template <class T>
std::vector<Tensor<T>> offsets_from(const std::vector<Var<T>>& initial, const StartingState& start,
                                    std::string_view operation, tapeloop::detail::CheckRandom& random);

/// The part moved by an offset; what was opened starts from the offset alone.
template <class T>
Var<T> moved(const Var<T>& part, const Var<T>& offset) {
    return part.shape() == offset.shape() ? part + offset : offset;
}

#define TAPELOOP_STARTING_STATE(T)                                                                        \
    extern template void draw_rows(std::span<T>, std::size_t, double, tapeloop::detail::CheckRandom&);    \
    extern template Tensor<T> random_offset(const Shape&, tapeloop::detail::CheckRandom&, double);        \
    extern template std::vector<Tensor<T>> offsets_from(const std::vector<Var<T>>&, const StartingState&, \
                                                        std::string_view, tapeloop::detail::CheckRandom&);

TAPELOOP_STARTING_STATE(float)
TAPELOOP_STARTING_STATE(double)

#undef TAPELOOP_STARTING_STATE

}  // namespace tapeloop::nn::detail
