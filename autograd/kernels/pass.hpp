#pragma once

#include <autograd/kernels/array.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/map/elementary.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace tapeloop {

/// Where a result goes, and whether it is written or added to what is there.
template <class T>
struct Target {
    T* data = nullptr;
    bool add = false;
};

/// How one operand lies in memory: rows of the last axis may stand further apart than they are long (the
/// columns of a packed matrix). A `row_stride` of 0 means contiguous.
struct Layout {
    const Shape* shape = nullptr;
    std::size_t row_stride = 0;
};

/// The order in which an elementwise pass visits `N` operands that broadcast to one shape: axes that all of
/// them agree on are merged, and the innermost run has stride 1 or 0 in each.
template <std::size_t N>
class Walk {
  public:
    Walk(const Shape& shape, const std::array<Layout, N>& layouts) {
        width_ = shape.size();
        const bool one_row = shape.rank() == 0 || shape.back() == width_;
        bool plain = true;
        for (std::size_t k = 0; k < N && plain; ++k) {
            const Layout& own = layouts[k];
            const bool same = own.shape == &shape || *own.shape == shape;
            single_[k] = !same && own.shape->size() == 1;
            plain = single_[k] || (same && (own.row_stride == 0 || one_row));
        }
        if (!plain) merge_axes(shape, layouts);
    }

    /// How many pieces of its outermost axis the walk can be taken in.
    std::size_t piece_count() const { return outer_ == 0 ? 1 : extents_[outer_ - 1]; }
    /// Whether the pieces have elements of operand `k` in common.
    bool is_shared(std::size_t k) const { return outer_ > 0 && strides_[outer_ - 1][k] == 0; }

    /// Calls `row(offsets)` for each innermost run of the pieces from `begin` up to `end`; the offsets count
    /// elements from each operand's start.
    template <class Row>
    void each_row(std::size_t begin, std::size_t end, Row&& row) const {
        std::array<std::size_t, N> offsets{};
        std::array<std::size_t, Shape::max_rank> position{};
        std::array<std::size_t, Shape::max_rank> extents = extents_;
        if (outer_ > 0) {
            for (std::size_t k = 0; k < N; ++k) offsets[k] = begin * strides_[outer_ - 1][k];
            extents[outer_ - 1] = end - begin;
        }
        while (true) {
            row(offsets);
            std::size_t axis = 0;
            while (axis < outer_) {
                for (std::size_t k = 0; k < N; ++k) offsets[k] += strides_[axis][k];
                if (++position[axis] < extents[axis]) break;
                for (std::size_t k = 0; k < N; ++k) offsets[k] -= strides_[axis][k] * extents[axis];
                position[axis++] = 0;
            }
            if (axis == outer_) return;
        }
    }

    std::size_t width() const { return width_; }
    /// Whether operand `k` has one element for the whole run.
    bool single(std::size_t k) const { return single_[k]; }

  private:
    void merge_axes(const Shape& shape, const std::array<Layout, N>& layouts) {
        width_ = 1;
        single_.fill(false);
        std::array<std::size_t, N> stride;
        stride.fill(1);
        bool innermost = true;
        std::array<std::size_t, N> inner_strides{};
        for (std::size_t back = 0; back < shape.rank(); ++back) {
            const std::size_t extent = shape[shape.rank() - 1 - back];
            std::array<std::size_t, N> here{};
            for (std::size_t k = 0; k < N; ++k) {
                const Shape& own = *layouts[k].shape;
                const std::size_t own_extent = back < own.rank() ? own[own.rank() - 1 - back] : 1;
                here[k] = own_extent == 1 ? 0 : stride[k];
                stride[k] *= own_extent;
                if (back == 0 && layouts[k].row_stride != 0) stride[k] = layouts[k].row_stride;
            }
            if (extent == 1) continue;
            if (innermost && is_run(here)) {
                width_ = extent;
                inner_strides = here;
            } else if (outer_ == 0 && merges(here, inner_strides, width_)) {
                width_ *= extent;
            } else if (outer_ > 0 && merges(here, strides_[outer_ - 1], extents_[outer_ - 1])) {
                extents_[outer_ - 1] *= extent;
            } else {
                strides_[outer_] = here;
                extents_[outer_++] = extent;
            }
            innermost = false;
        }
        if (width_ > 1)
            for (std::size_t k = 0; k < N; ++k) single_[k] = inner_strides[k] == 0;
    }
    static bool is_run(const std::array<std::size_t, N>& strides) {
        for (std::size_t stride : strides)
            if (stride > 1) return false;
        return true;
    }
    static bool merges(const std::array<std::size_t, N>& outer, const std::array<std::size_t, N>& inner,
                       std::size_t extent) {
        if (extent == 1) return false;
        for (std::size_t k = 0; k < N; ++k)
            if (outer[k] != inner[k] * extent) return false;
        return true;
    }

    std::array<std::array<std::size_t, N>, Shape::max_rank> strides_;  // of the first `outer_` axes
    std::array<std::size_t, Shape::max_rank> extents_;
    std::size_t outer_ = 0;
    std::size_t width_;
    std::array<bool, N> single_{};
};

/// A part of a walk: pieces of its outermost axis or, where it is a single run, of that.
struct Stretch {
    std::size_t first_piece;
    std::size_t last_piece;
    std::size_t begin;
    std::size_t end;
};

/// How many threads a pass with these streams is for, and what each of them does.
template <std::size_t In, std::size_t Out>
class Sharing {
  public:
    Sharing(const Walk<In + Out>& walk, std::size_t size, std::size_t lanes)
        : pieces_(walk.piece_count()), width_(walk.width()), lanes_(lanes) {
        if (size * (In + Out) < worth_sharing) return;
        // Results that are summed over the pieces belong to one thread, and in order.
        for (std::size_t k = 0; k < Out; ++k)
            if (walk.is_shared(In + k)) return;
        const std::size_t most = pieces_ > 1 ? pieces_ : (width_ + lanes_ - 1) / lanes_;
        count_ = std::min(thread_count(), most);
    }

    std::size_t count() const { return count_; }
    Stretch whole() const { return {0, pieces_, 0, width_}; }
    Stretch part(std::size_t k) const {
        if (pieces_ > 1) return {pieces_ * k / count_, pieces_ * (k + 1) / count_, 0, width_};
        const std::size_t registers = (width_ + lanes_ - 1) / lanes_;
        return {0, 1, registers * k / count_ * lanes_,
                std::min(registers * (k + 1) / count_ * lanes_, width_)};
    }

  private:
    std::size_t pieces_;
    std::size_t width_;
    std::size_t lanes_;
    std::size_t count_ = 1;
};

/// Runs `f(in, out)` over whole registers of every operand; `layouts` gives the inputs' first, then the
/// targets'. A target without data is computed and dropped. Threads share a pass
/// that is worth it: `f` keeps nothing from one call to the next.
template <class T, std::size_t In, std::size_t Out, class F>
void run_pass(const Shape& shape, const std::array<Layout, In + Out>& layouts,
              const std::array<const T*, In>& inputs, const std::array<Target<T>, Out>& targets, F&& f) {
    using L = Lanes<T>;
    const std::size_t size = shape.size();
    if (size == 0) return;
    const Walk<In + Out> walk(shape, layouts);
    // Not inlined, so that there is one of it for both of its calls.
    const auto run = [&](const Stretch& stretch) __attribute__((noinline)) {
        walk.each_row(
            stretch.first_piece, stretch.last_piece, [&](const std::array<std::size_t, In + Out>& offsets) {
                alignas(64)
                    T repeated[In == 0 ? 1 : In][L::width];  // an element that stands for the whole run
                std::array<const T*, In> from;
                std::array<std::size_t, In> advance;
                for (std::size_t k = 0; k < In; ++k) {
                    from[k] = inputs[k] + offsets[k];
                    advance[k] = L::width;
                    if (walk.single(k)) {
                        L(*from[k]).store(repeated[k]);
                        from[k] = repeated[k];
                        advance[k] = 0;
                    } else {
                        from[k] += stretch.begin;
                    }
                }
                std::array<T*, Out> to;
                for (std::size_t k = 0; k < Out; ++k)
                    to[k] = targets[k].data == nullptr ? nullptr
                                                       : targets[k].data + offsets[In + k] + stretch.begin;
                // One body for whole registers and for the tail: the same instructions, so the same bits.
                for (std::size_t i = stretch.begin; i < stretch.end; i += L::width) {
                    const std::size_t rest = stretch.end - i;
                    const bool whole = rest >= L::width;
                    std::array<L, In> in;
                    std::array<L, Out> out;
                    for (std::size_t k = 0; k < In; ++k) {
                        in[k] = whole ? L::load(from[k]) : L::load(from[k], rest);
                        from[k] += advance[k];
                    }
                    f(in, out);
                    for (std::size_t k = 0; k < Out; ++k) {
                        if (to[k] == nullptr) continue;
                        if (whole)
                            (targets[k].add ? L::load(to[k]) + out[k] : out[k]).store(to[k]);
                        else
                            (targets[k].add ? L::load(to[k], rest) + out[k] : out[k]).store(to[k], rest);
                        to[k] += L::width;
                    }
                }
            });
    };
    const Sharing<In, Out> sharing(walk, size, L::width);
    if (sharing.count() == 1)
        run(sharing.whole());
    else
        in_parallel(sharing.count(), [&](std::size_t k) { run(sharing.part(k)); });
}

/// Whether `small` broadcasts to `shape` along outer axes only: each of its rows is added to as a whole. Not
/// where that is more often than a sum in order stays exact; `sum_into` adds such pairwise.
inline bool repeats_along_rows(const Shape& small, const Shape& shape) {
    constexpr std::size_t rows_in_order = 512;
    return small.rank() > 0 && shape.back() > 1 && small.back() == shape.back() &&
           shape.size() / rows_in_order <= small.size();
}

/// An elementwise function of `N` arrays, each of which broadcasts to `shape`, written to `target`.
template <class T, std::size_t N, class F>
void run_function(const F& function, const Shape& shape, const std::array<Array<T>, N>& inputs,
                  const Target<T>& target) {
    std::array<Layout, N + 1> layouts;
    std::array<const T*, N> data;
    for (std::size_t k = 0; k < N; ++k) {
        layouts[k].shape = &inputs[k].shape();
        data[k] = inputs[k].data();
    }
    layouts[N].shape = &shape;
    run_pass<T, N, 1>(shape, layouts, data, {target},
                      [&function](const std::array<Lanes<T>, N>& in, std::array<Lanes<T>, 1>& out) {
                          out[0] = std::apply([&](const auto&... x) { return function.value(x...); }, in);
                      });
}

template <class T>
inline constexpr bool is_elementwise<Array<T>> = true;

namespace detail {
template <class... X>
struct ArrayElement;
template <class T, class... X>
struct ArrayElement<Array<T>, X...> {
    using type = T;
};
template <class S, class... X>
struct ArrayElement<S, X...> : ArrayElement<X...> {};

template <class T, class X>
Array<T> as_array(const X& x) {
    if constexpr (std::is_arithmetic_v<X>)
        return Array<T>::filled(Shape(), static_cast<T>(x));
    else
        return x;
}

template <class X>
inline constexpr bool is_array = false;
template <class T>
inline constexpr bool is_array<Array<T>> = true;
}  // namespace detail

/// An elementwise function of arrays and numbers, at once.
template <class F, class... X>
requires(... || detail::is_array<X>) auto elementwise(const F& function, const X&... x) {
    using T = typename detail::ArrayElement<X...>::type;
    const std::array<Array<T>, sizeof...(X)> inputs{detail::as_array<T>(x)...};
    Shape shape = inputs[0].shape();
    for (std::size_t k = 1; k < inputs.size(); ++k) shape = broadcast(F::name, shape, inputs[k].shape());
    Array<T> result(shape);
    run_function<T, sizeof...(X)>(function, shape, inputs, {result.data(), false});
    return result;
}

template <class A, class B>
concept ArrayPair = (detail::is_array<A> || detail::is_array<B>)&&ElementwisePair<A, B>;

template <class A, class B>
requires ArrayPair<A, B>
auto operator+(const A& a, const B& b) { return elementwise(elementary::Add{}, a, b); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator-(const A& a, const B& b) { return elementwise(elementary::Subtract{}, a, b); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator*(const A& a, const B& b) { return elementwise(elementary::Multiply{}, a, b); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator/(const A& a, const B& b) { return elementwise(elementary::Divide{}, a, b); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator<(const A& a, const B& b) { return elementwise(elementary::Less{}, a, b); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator<=(const A& a, const B& b) { return elementwise(elementary::LessEqual{}, a, b); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator>(const A& a, const B& b) { return elementwise(elementary::Less{}, b, a); }
template <class A, class B>
requires ArrayPair<A, B>
auto operator>=(const A& a, const B& b) { return elementwise(elementary::LessEqual{}, b, a); }
template <class A, class B>
requires ArrayPair<A, B>
auto equal(const A& a, const B& b) { return elementwise(elementary::Equal{}, a, b); }
template <class T>
auto operator-(const Array<T>& x) {
    return elementwise(elementary::Negate{}, x);
}
template <class T>
auto scale(const Array<T>& g, const Array<T>& slope) {
    return elementwise(elementary::Scale{}, g, slope);
}
template <class T, class A, class B>
auto where(const Array<T>& condition, const A& a, const B& b) {
    return elementwise(elementary::Where{}, condition, a, b);
}

}  // namespace tapeloop
