#include <fmt/format.h>
#include <nn/check/input_names.hpp>
#include <nn/check/starting_state.hpp>
#include <nn/sequence/unroll.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

using tapeloop::detail::CheckRandom;

namespace {

/// The way from a part to a given value, or to its own.
template <class T>
Tensor<T> way_to(const Tensor<double>* given, const Var<T>& part) {
    if (given == nullptr) return zeros<T>(part.shape());
    Tensor<T> way = uninitialised<T>(shape_of(*given));
    std::transform(given->begin(), given->end(), way.begin(),
                   [](double element) { return static_cast<T>(element); });
    if (part.shape() != shape_of(way)) return way;
    const Tensor<T> own = part.value();
    std::transform(way.begin(), way.end(), own.begin(), way.begin(), std::minus<>());
    return way;
}

}  // namespace

void require_start(const std::vector<Shape>& initial, const StartingState& start,
                   std::string_view operation) {
    if (!(start.moved_by >= 0))
        throw std::invalid_argument(
            fmt::format("{}: state_moved_by is {}; it must be 0 or more", operation, start.moved_by));
    if (start.given.empty()) return;
    if (start.given.size() != initial.size())
        throw std::invalid_argument(
            fmt::format("{}: the given initial_state has {} parts; that of the cell has {}", operation,
                        start.given.size(), initial.size()));
    const std::vector<std::string> names = state_names(initial.size());
    for (std::size_t k = 0; k < initial.size(); ++k)
        if (!fits_usual(shape_of(start.given[k]), initial[k]))
            throw std::invalid_argument(fmt::format("{}: the given initial {} is {}; that of the cell is {}",
                                                    operation, names[k], shape_of(start.given[k]).text(),
                                                    initial[k].text()));
}

Shape opened(const Shape& part) {
    std::vector<std::size_t> extents(part.begin(), part.end());
    for (std::size_t axis = 1; axis < extents.size(); ++axis)
        if (extents[axis] == 0) extents[axis] = 2;
    return Shape(extents);
}

bool is_open(const Shape& part) { return opened(part) != part; }

template <class T>
void draw_rows(std::span<T> rows, std::size_t width, double size, CheckRandom& random) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double drawn = 2 * random.uniform() - 1;
        const double side = i < width ? drawn : -static_cast<double>(rows[i - width]);
        rows[i] = static_cast<T>(std::copysign(size * (1 + std::abs(drawn)) / 2, side));
    }
}

template <class T>
Tensor<T> random_offset(const Shape& part, CheckRandom& random, double size) {
    Tensor<T> offset = uninitialised<T>(opened(part));
    const std::size_t rows = part.rank() == 0 ? 1 : offset.shape(0);
    if (offset.size() != 0) draw_rows<T>({offset.data(), offset.size()}, offset.size() / rows, size, random);
    return offset;
}

template <class T>
std::vector<Tensor<T>> offsets_from(const std::vector<Var<T>>& initial, const StartingState& start,
                                    std::string_view operation, CheckRandom& random) {
    require_start(shapes_of(initial), start, operation);
    std::vector<Tensor<T>> offsets;
    for (std::size_t k = 0; k < initial.size(); ++k) {
        Tensor<T> way = way_to(start.given.empty() ? nullptr : &start.given[k], initial[k]);
        if (start.is_random) {
            const bool is_given = !start.given.empty();
            Tensor<T> offset =
                random_offset<T>(is_given ? shape_of(way) : initial[k].shape(), random, start.moved_by);
            // What is opened has nowhere to start from.
            if (offset.shape() == way.shape())
                std::transform(offset.begin(), offset.end(), way.begin(), offset.begin(), std::plus<>());
            way = std::move(offset);
        }
        offsets.push_back(std::move(way));
    }
    return offsets;
}

#define TAPELOOP_STARTING_STATE(T)                                                                 \
    template void draw_rows(std::span<T>, std::size_t, double, CheckRandom&);                      \
    template Tensor<T> random_offset(const Shape&, CheckRandom&, double);                          \
    template std::vector<Tensor<T>> offsets_from(const std::vector<Var<T>>&, const StartingState&, \
                                                 std::string_view, CheckRandom&);

TAPELOOP_STARTING_STATE(float)
TAPELOOP_STARTING_STATE(double)

#undef TAPELOOP_STARTING_STATE

}  // namespace tapeloop::nn::detail
