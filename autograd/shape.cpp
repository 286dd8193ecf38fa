#include <fmt/format.h>
#include <fmt/ranges.h>
#include <autograd/shape.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

Shape::Shape(std::span<const std::size_t> extents) {
    for (std::size_t extent : extents) append(extent);
}

void Shape::append_checked(std::size_t extent) {
    if (rank_ == max_rank)
        throw ShapeError(fmt::format("shape: more than {} axes; reshape to fewer", max_rank));
    if (extent > std::numeric_limits<std::uint32_t>::max()) {
        // Nobody means 2^63 elements: it was a negative number.
        const auto given = static_cast<std::ptrdiff_t>(extent);
        throw ShapeError(given < 0
                             ? fmt::format("shape: an axis of {} elements; it must not be negative", given)
                             : fmt::format("shape: an axis of {} elements; at most 2^32 - 1 fit", given));
    }
    extents_[rank_] = static_cast<std::uint32_t>(extent);
    require_size({extents_.data(), rank_ + std::size_t{1}});
    ++rank_;
}

void Shape::require_size(std::span<const std::uint32_t> extents) {
    std::size_t size = 1;
    for (const std::uint32_t extent : extents) {
        // The first test spares the division: up to there any extent fits.
        if (extent > 1 && size > (max_size >> 16U >> 16U) && size > max_size / extent)
            throw ShapeError(
                fmt::format("shape: [{}] has more than 2^58 elements", fmt::join(extents, ", ")));
        size *= extent == 0 ? 1 : extent;
    }
}

Shape Shape::with(std::size_t axis, std::size_t extent) const {
    Shape changed = *this;
    changed.extents_[axis] = 0;
    if (!changed.stays_small(extent)) {
        Shape last;
        last.append(extent);
        changed.extents_[axis] = last.extents_[0];
        require_size({changed.begin(), changed.end()});
    }
    changed.extents_[axis] = static_cast<std::uint32_t>(extent);
    return changed;
}

Shape Shape::as_matrix() const {
    std::size_t rows = 1;
    for (std::size_t i = 0; i + 1 < rank_; ++i) rows *= extents_[i];
    return {rows, back()};
}

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

namespace detail {

void fail_in_name_of(std::string_view operation, std::span<const Shape> from, const ShapeError& error) {
    std::string shapes;
    for (const Shape& shape : from) shapes += (shapes.empty() ? "" : " and ") + shape.text();
    throw std::invalid_argument(fmt::format("{}: of {}; {}", operation, shapes, error.what()));
}

Shape broadcast(std::string_view operation, const Shape& a, const Shape& b) {
    const Shape& longer = a.rank() >= b.rank() ? a : b;
    const Shape& shorter = a.rank() >= b.rank() ? b : a;
    const std::size_t lead = longer.rank() - shorter.rank();
    std::array<std::size_t, Shape::max_rank> extents;
    for (std::size_t i = 0; i < longer.rank(); ++i) {
        const std::size_t p = longer[i];
        const std::size_t q = i < lead ? 1 : shorter[i - lead];
        if (p != q && p != 1 && q != 1)
            throw std::invalid_argument(
                fmt::format("{}: a is {} and b is {}; aligned at the last axis, extents must be equal or 1",
                            operation, a.text(), b.text()));
        extents[i] = p == 1 ? q : p;
    }
    return in_name_of(operation, std::array{a, b},
                      [&] { return Shape(std::span(extents).first(longer.rank())); });
}

bool broadcasts_to(const Shape& from, const Shape& to) {
    if (from.rank() > to.rank()) return false;
    const std::size_t lead = to.rank() - from.rank();
    for (std::size_t i = 0; i < from.rank(); ++i)
        if (from[i] != 1 && from[i] != to[i + lead]) return false;
    return true;
}

std::size_t normalised_axis(std::string_view operation, std::ptrdiff_t axis, std::size_t rank) {
    const auto signed_rank = static_cast<std::ptrdiff_t>(rank);
    if (axis < -signed_rank || axis >= signed_rank)
        throw std::invalid_argument(
            fmt::format("{}: axis {} of a tensor with {} axes; axes count from 0, or from -1 at the end",
                        operation, axis, rank));
    return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

Shape with_new_axis(std::string_view operation, const Shape& shape, std::ptrdiff_t axis, std::size_t extent) {
    const auto rank = static_cast<std::ptrdiff_t>(shape.rank()) + 1;
    if (axis < -rank || axis >= rank || shape.rank() == Shape::max_rank)
        throw std::invalid_argument(fmt::format(
            "{}: {} cannot get an axis {}; the result has {} axes, counted from 0, or from -1 at the end, "
            "and may have {}",
            operation, shape.text(), axis, rank, Shape::max_rank));
    const auto at = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
    return in_name_of(operation, std::array{shape}, [&] {
        Shape result;
        for (std::size_t i = 0; i <= shape.rank(); ++i)
            result.append(i < at ? shape[i] : i == at ? extent : shape[i - 1]);
        return result;
    });
}

}  // namespace detail

}  // namespace tapeloop
