#include <autograd/kernels/strided.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace tapeloop::detail {

View View::of(const Shape& shape) {
    View view{shape};
    std::ptrdiff_t stride = 1;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
        view.strides[axis] = stride;
        stride *= static_cast<std::ptrdiff_t>(shape[axis]);
    }
    return view;
}

View View::permuted(std::span<const std::size_t> axes) const {
    View view;
    view.offset = offset;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        view.shape.append(shape[axes[i]]);
        view.strides[i] = strides[axes[i]];
    }
    return view;
}

View View::sliced(std::size_t axis, std::size_t begin, std::size_t count, std::size_t step) const {
    View view = *this;
    view.shape = shape.with(axis, count);
    // A step may be any number where there is nothing to step to.
    if (count > 1) view.strides[axis] = strides[axis] * static_cast<std::ptrdiff_t>(step);
    view.offset = offset + strides[axis] * static_cast<std::ptrdiff_t>(begin);
    return view;
}

View View::flipped(std::size_t axis) const {
    View view = *this;
    view.strides[axis] = -strides[axis];
    if (shape[axis] != 0)
        view.offset = offset + strides[axis] * (static_cast<std::ptrdiff_t>(shape[axis]) - 1);
    return view;
}

View View::broadcast_to(const Shape& wider) const {
    View view{wider, {}, offset};
    const std::size_t lead = wider.rank() - shape.rank();
    for (std::size_t i = 0; i < shape.rank(); ++i)
        view.strides[lead + i] = shape[i] == wider[lead + i] ? strides[i] : 0;
    return view;
}

bool View::is_contiguous() const {
    if (shape.size() == 0) return true;
    std::ptrdiff_t expected = 1;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
        if (shape[axis] != 1 && strides[axis] != expected) return false;
        expected *= static_cast<std::ptrdiff_t>(shape[axis]);
    }
    return true;
}

namespace {

/// An axis to walk along: how often, and how far a step leads in either buffer.
struct Axis {
    std::ptrdiff_t extent = 1;
    std::ptrdiff_t from = 1;
    std::ptrdiff_t to = 1;
};

/// The loops of a transfer, outermost first; those that are one long axis in both buffers are merged.
class Nest {
  public:
    Nest(const View& from, const View& to) {
        for (std::size_t i = 0; i < to.shape.rank(); ++i) {
            const Axis axis{static_cast<std::ptrdiff_t>(to.shape[i]), from.strides[i], to.strides[i]};
            if (axis.extent == 1) continue;
            Axis* outer = count_ == 0 ? nullptr : &axes_[count_ - 1];
            if (outer != nullptr && outer->from == axis.from * axis.extent &&
                outer->to == axis.to * axis.extent)
                *outer = {outer->extent * axis.extent, axis.from, axis.to};
            else
                axes_[count_++] = axis;
        }
    }

    /// Takes the innermost axis out.
    Axis take_inner() { return count_ == 0 ? Axis() : axes_[--count_]; }
    /// Takes out the axis that is read in smaller steps than `inner`, if there is one.
    Axis take_transposed(const Axis& inner) {
        std::size_t best = count_;
        std::ptrdiff_t smallest = std::abs(inner.from);
        for (std::size_t i = 0; i < count_; ++i)
            if (const std::ptrdiff_t step = std::abs(axes_[i].from); step != 0 && step < smallest) {
                best = i;
                smallest = step;
            }
        if (best == count_) return {};
        const Axis axis = axes_[best];
        std::copy(axes_.begin() + static_cast<std::ptrdiff_t>(best) + 1,
                  axes_.begin() + static_cast<std::ptrdiff_t>(count_),
                  axes_.begin() + static_cast<std::ptrdiff_t>(best));
        --count_;
        return axis;
    }

    /// Calls `f(offset_from, offset_to)` for every position along the axes that are left.
    template <class F>
    void each(F&& f) const {
        std::array<std::ptrdiff_t, Shape::max_rank> position{};
        std::ptrdiff_t from = 0;
        std::ptrdiff_t to = 0;
        while (true) {
            f(from, to);
            std::size_t i = count_;
            for (; i > 0; --i) {
                const Axis& axis = axes_[i - 1];
                from += axis.from;
                to += axis.to;
                if (++position[i - 1] < axis.extent) break;
                from -= axis.from * axis.extent;
                to -= axis.to * axis.extent;
                position[i - 1] = 0;
            }
            if (i == 0) return;
        }
    }

  private:
    std::array<Axis, Shape::max_rank> axes_;
    std::size_t count_ = 0;
};

template <class T>
void transfer_run(const T* from, T* to, bool add, const Axis& axis) {
    if (axis.from == 1 && axis.to == 1) {
        if (!add)
            std::memcpy(to, from, static_cast<std::size_t>(axis.extent) * sizeof(T));
        else
            for (std::ptrdiff_t i = 0; i < axis.extent; ++i) to[i] += from[i];
    } else if (add) {
        for (std::ptrdiff_t i = 0; i < axis.extent; ++i) to[i * axis.to] += from[i * axis.from];
    } else if (axis.from == 0 && axis.to == 1) {
        std::fill_n(to, axis.extent, *from);
    } else {
        for (std::ptrdiff_t i = 0; i < axis.extent; ++i) to[i * axis.to] = from[i * axis.from];
    }
}

/// Copies in square tiles, so that the lines read and the lines written stay in the first cache until all of
/// their elements are used.
template <class T>
void transfer_tiled(const T* from, T* to, bool add, const Axis& rows, const Axis& columns) {
    constexpr std::ptrdiff_t tile = 64 / sizeof(T);
    const bool is_plain = !add && columns.to == 1;
    for (std::ptrdiff_t i = 0; i < rows.extent; i += tile)
        for (std::ptrdiff_t j = 0; j < columns.extent; j += tile) {
            const std::ptrdiff_t width = std::min(tile, columns.extent - j);
            for (std::ptrdiff_t row = i; row < std::min(i + tile, rows.extent); ++row) {
                const T* read = from + row * rows.from + j * columns.from;
                T* write = to + row * rows.to + j * columns.to;
                if (is_plain)
                    for (std::ptrdiff_t k = 0; k < width; ++k) write[k] = read[k * columns.from];
                else
                    transfer_run(read, write, add, {width, columns.from, columns.to});
            }
        }
}

}  // namespace

template <class T>
void transfer(const View& from_view, const T* from, const View& to_view, const Target<T>& to) {
    if (to_view.shape.size() == 0) return;
    from += from_view.offset;
    T* const start = to.data + to_view.offset;
    Nest axes(from_view, to_view);
    const Axis inner = axes.take_inner();
    const Axis across = axes.take_transposed(inner);
    axes.each([&](std::ptrdiff_t offset_from, std::ptrdiff_t offset_to) {
        if (across.extent == 1)
            transfer_run(from + offset_from, start + offset_to, to.add, inner);
        else
            transfer_tiled(from + offset_from, start + offset_to, to.add, across, inner);
    });
}

template void transfer(const View&, const float*, const View&, const Target<float>&);
template void transfer(const View&, const double*, const View&, const Target<double>&);

}  // namespace tapeloop::detail
