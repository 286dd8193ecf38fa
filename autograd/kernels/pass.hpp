#pragma once

#include <autograd/kernels/array.hpp>
#include <autograd/kernels/indices.hpp>
#include <autograd/kernels/lanes.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <tuple>

namespace tapeloop::detail {

/// The place of a result, which is written or added to what is there.
template <class T>
struct Target {
    T* data;
    bool add;
};

/// The layout of one operand in memory: rows of the last axis may stand further apart than they are long (the
/// columns of a packed matrix). A `row_stride` of 0 means contiguous.
struct Layout {
    const Shape* shape;
    std::size_t row_stride;
};

/// The largest number of operands of a pass.
inline constexpr std::size_t most_streams = 128;

/// The order in which an elementwise pass visits operands that broadcast to one shape: axes that all of them
/// agree on are merged, and the innermost run has stride 1 or 0 in each.
class Walk {
  public:
    Walk(const Shape& shape, std::span<const Layout> layouts);

    /// Returns the number of pieces of its outermost axis that the walk can be taken in.
    std::size_t piece_count() const { return outer_ == 0 ? 1 : extents_[outer_ - 1]; }
    /// Returns whether the pieces have elements of operand `k` in common.
    bool is_shared(std::size_t k) const { return outer_ > 0 && strides_[outer_ - 1][k] == 0; }
    std::size_t width() const { return width_; }
    /// Returns whether all is one run.
    bool is_one_run() const { return outer_ == 0; }
    /// Returns whether operand `k` has one element for the whole run.
    bool single(std::size_t k) const { return single_[k]; }

    /// Calls `row(offsets)` for each innermost run of the pieces from `begin` up to `end`; the offsets count
    /// elements from each operand's start.
    template <class Row>
    void each_row(std::size_t begin, std::size_t end, Row&& row) const {
        std::array<std::size_t, most_streams> offsets;
        for (std::size_t k = 0; k < count_; ++k)
            offsets[k] = outer_ > 0 ? begin * strides_[outer_ - 1][k] : 0;
        std::array<std::size_t, Shape::max_rank> position{};
        std::array<std::size_t, Shape::max_rank> extents = extents_;
        if (outer_ > 0) extents[outer_ - 1] = end - begin;
        while (true) {
            row(offsets);
            std::size_t axis = 0;
            while (axis < outer_) {
                for (std::size_t k = 0; k < count_; ++k) offsets[k] += strides_[axis][k];
                if (++position[axis] < extents[axis]) break;
                for (std::size_t k = 0; k < count_; ++k) offsets[k] -= strides_[axis][k] * extents[axis];
                position[axis++] = 0;
            }
            if (axis == outer_) return;
        }
    }

  private:
    using Strides = std::array<std::size_t, most_streams>;

    void merge_axes(const Shape& shape, std::span<const Layout> layouts);
    bool is_run(const Strides& strides) const;
    bool merges(const Strides& outer, const Strides& inner, std::size_t extent) const;

    std::size_t count_;
    std::array<Strides, Shape::max_rank> strides_;  // of the first `outer_` axes
    std::array<std::size_t, Shape::max_rank> extents_{};
    std::size_t outer_ = 0;
    std::size_t width_;
    std::array<bool, most_streams> single_;
};

/// One innermost run of a pass as its kernel sees it. An input that has one element for all of the run comes
/// as a whole register of it, with an advance of 0; a target without data is dropped.
template <class T>
struct Run {
    const T* const* from;
    const std::size_t* advance;
    const Target<T>* to;
    std::size_t count;
};

/// The body of a pass, called for each of its runs; `function` is the elementwise function.
template <class T>
using Kernel = void (*)(const void* function, const Run<T>& run);

/// Calls the kernel for all runs of a pass. Threads share a pass that is worth it.
template <class T>
void run_kernel(const Shape& shape, std::span<const Layout> layouts, std::span<const T* const> inputs,
                std::span<const Target<T>> targets, Kernel<T> kernel, const void* function);

extern template void run_kernel(const Shape&, std::span<const Layout>, std::span<const float* const>,
                                std::span<const Target<float>>, Kernel<float>, const void*);
extern template void run_kernel(const Shape&, std::span<const Layout>, std::span<const double* const>,
                                std::span<const Target<double>>, Kernel<double>, const void*);

/// The kernel that calls `f(in, out)` for whole registers of every operand. It alone is compiled for each
/// function; what leads to it is compiled once.
template <class T, std::size_t In, std::size_t Out, class F>
Kernel<T> kernel_of(const F& /*f*/) {
    static_assert(In + Out <= most_streams, "a pass has at most 128 operands");
    return [](const void* function, const Run<T>& run) {
        using L = Lanes<T>;
        const F& f = *static_cast<const F*>(function);
        std::array<const T*, In> from;
        std::array<T*, Out> to;
        // Not std::copy_n, which is a call of memmove.
        with_indices<In>([&](auto... k) { ((from[k] = run.from[k]), ...); });
        with_indices<Out>([&](auto... k) { ((to[k] = run.to[k].data), ...); });
        // One body for whole registers and for the tail: the same instructions, so the same bits.
        for (std::size_t i = 0; i < run.count; i += L::width) {
            const std::size_t rest = run.count - i;
            const bool whole = rest >= L::width;
            std::array<L, In> in;
            std::array<L, Out> out;
            for (std::size_t k = 0; k < In; ++k) {
                in[k] = whole ? L::load(from[k]) : L::load(from[k], rest);
                from[k] += run.advance[k];
            }
            f(in, out);
            for (std::size_t k = 0; k < Out; ++k) {
                if (to[k] == nullptr) continue;
                if (whole)
                    (run.to[k].add ? L::load(to[k]) + out[k] : out[k]).store(to[k]);
                else
                    (run.to[k].add ? L::load(to[k], rest) + out[k] : out[k]).store(to[k], rest);
                to[k] += L::width;
            }
        }
    };
}

/// Runs `f(in, out)` over whole registers of every operand; `layouts` gives the inputs' first, then the
/// targets'. A target without data is computed and dropped. Threads may share the pass: `f` keeps nothing
/// from one call to the next.
template <class T, std::size_t In, std::size_t Out, class F>
void run_pass(const Shape& shape, const std::array<Layout, In + Out>& layouts,
              const std::array<const T*, In>& inputs, const std::array<Target<T>, Out>& targets, const F& f) {
    run_kernel<T>(shape, layouts, inputs, targets, kernel_of<T, In, Out>(f), &f);
}

/// Returns whether `small` broadcasts to `shape` along outer axes only: each of its rows is added to as a
/// whole. Not where that is more often than a sum in order stays exact; `sum_into` adds such pairwise.
inline bool repeats_along_rows(const Shape& small, const Shape& shape) {
    constexpr std::size_t rows_in_order = 512;
    return small.rank() > 0 && shape.back() > 1 && small.back() == shape.back() &&
           shape.size() / rows_in_order <= small.size();
}

/// An elementwise definition as a function of a pass; it refers to the definition.
template <class T, std::size_t N, class F>
auto on_lanes(const F& function) {
    return [&function](const std::array<Lanes<T>, N>& in, std::array<Lanes<T>, 1>& out) {
        out[0] = std::apply([&](const auto&... x) { return function.value(x...); }, in);
    };
}

/// An elementwise function of `N` arrays, each of which broadcasts to `shape`, written to `target`.
template <class T, std::size_t N, class F>
void run_function(const F& function, const Shape& shape, const std::array<Array<T>, N>& inputs,
                  const Target<T>& target) {
    std::array<Layout, N + 1> layouts;
    std::array<const T*, N> data;
    for (std::size_t k = 0; k < N; ++k) {
        layouts[k] = {&inputs[k].shape(), 0};
        data[k] = inputs[k].data();
    }
    layouts[N] = {&shape, 0};
    run_pass<T, N, 1>(shape, layouts, data, {target}, on_lanes<T, N>(function));
}

/// Writes an array, which broadcasts to `shape`, to `target`, or adds it there.
template <class T>
void broadcast_into(const Array<T>& x, const Shape& shape, const Target<T>& target);

extern template void broadcast_into(const Array<float>&, const Shape&, const Target<float>&);
extern template void broadcast_into(const Array<double>&, const Shape&, const Target<double>&);

}  // namespace tapeloop::detail
