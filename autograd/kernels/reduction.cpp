#include <autograd/kernels/reduction.hpp>

#include <algorithm>
#include <limits>

namespace tapeloop::detail {
namespace {

struct Sum {
    template <class X>
    static X combine(X a, X b) {
        return a + b;
    }
    template <class T>
    static constexpr T neutral = T(0);
};

struct Max {
    template <class T>
    static Lanes<T> combine(Lanes<T> a, Lanes<T> b) {
        return where(a >= b, a, where(a < b, b, a + b));
    }
    template <class T>
    static T combine(T a, T b) {
        return a >= b ? a : a < b ? b : a + b;
    }
    template <class T>
    static constexpr T neutral = -std::numeric_limits<T>::infinity();
};

// So many elements are summed one after the other, or rows one onto the other; of more, the halves are summed
// each on its own. An error thus grows with the logarithm of their number.
template <class T>
constexpr std::size_t elements_in_order = 256 * Lanes<T>::width;
constexpr std::size_t rows_in_order = 64;

// Four running results hide the latency of the additions. Few elements are taken in order, whatever the width
// of a register: as where they are a column, and on every processor.
template <class Reduce, class T>
T reduce_short_run(const T* from, std::size_t count) {
    using L = Lanes<T>;
    if (count <= 16) {
        T result = Reduce::template neutral<T>;
        for (std::size_t i = 0; i < count; ++i) result = Reduce::combine(result, from[i]);
        return result;
    }
    std::array<L, 4> running;
    running.fill(L(Reduce::template neutral<T>));
    std::size_t i = 0;
    for (; i + 4 * L::width <= count; i += 4 * L::width)
        for (std::size_t k = 0; k < 4; ++k)
            running[k] = Reduce::combine(running[k], L::load(from + i + k * L::width));
    for (; i + L::width <= count; i += L::width) running[0] = Reduce::combine(running[0], L::load(from + i));
    const L all =
        Reduce::combine(Reduce::combine(running[0], running[1]), Reduce::combine(running[2], running[3]));
    alignas(64) std::array<T, L::width> elements;
    all.value.store_aligned(elements.data());
    T result = elements[0];
    for (std::size_t k = 1; k < L::width; ++k) result = Reduce::combine(result, elements[k]);
    for (; i < count; ++i) result = Reduce::combine(result, from[i]);
    return result;
}

/// Returns how many of `count` make the first half: whole blocks.
constexpr std::size_t first_half(std::size_t count, std::size_t block) {
    return (count / block + 1) / 2 * block;
}

template <class Reduce, class T>
T reduce_halves(const T* from, std::size_t count) {
    if (count <= elements_in_order<T>) return reduce_short_run<Reduce>(from, count);
    const std::size_t half = first_half(count, elements_in_order<T>);
    const T first = reduce_halves<Reduce>(from, half);
    return Reduce::combine(first, reduce_halves<Reduce>(from + half, count - half));
}

template <class Reduce, class T>
inline T reduce_run(const T* from, std::size_t count) {
    return count <= elements_in_order<T> ? reduce_short_run<Reduce>(from, count)
                                         : reduce_halves<Reduce>(from, count);
}

template <class Reduce, class T>
void combine_run(const T* from, T* to, std::size_t count) {
    using L = Lanes<T>;
    std::size_t i = 0;
    for (; i + L::width <= count; i += L::width)
        Reduce::combine(L::load(to + i), L::load(from + i)).store(to + i);
    if (const std::size_t rest = count - i; rest != 0)
        Reduce::combine(L::load(to + i, rest), L::load(from + i, rest)).store(to + i, rest);
}

/// Combines V whole registers of each row with those of `to`, which stay in registers meanwhile.
template <class Reduce, std::size_t V, class T>
void combine_columns(const T* from, std::size_t rows, std::size_t stride, T* to) {
    using L = Lanes<T>;
    std::array<L, V> running;
    for (std::size_t v = 0; v < V; ++v) running[v] = L::load(to + v * L::width);
    for (std::size_t row = 0; row < rows; ++row, from += stride)
        for (std::size_t v = 0; v < V; ++v)
            running[v] = Reduce::combine(running[v], L::load(from + v * L::width));
    for (std::size_t v = 0; v < V; ++v) running[v].store(to + v * L::width);
}

template <class Reduce, class T>
void combine_rows(const T* from, std::size_t rows, std::size_t width, T* to) {
    using L = Lanes<T>;
    // Of what the first cache does not hold a few rows at a time, which the processor can read ahead.
    constexpr std::size_t few_rows = 8;
    if (rows > few_rows && rows * width * sizeof(T) > 65'536) {
        for (std::size_t row = 0; row < rows; row += few_rows)
            combine_rows<Reduce>(from + row * width, std::min(few_rows, rows - row), width, to);
        return;
    }
    std::size_t i = 0;
    for (; i + 8 * L::width <= width; i += 8 * L::width)
        combine_columns<Reduce, 8>(from + i, rows, width, to + i);
    if (i + 4 * L::width <= width) {
        combine_columns<Reduce, 4>(from + i, rows, width, to + i);
        i += 4 * L::width;
    }
    for (; i + L::width <= width; i += L::width) combine_columns<Reduce, 1>(from + i, rows, width, to + i);
    const std::size_t rest = width - i;
    if (rest == 0) return;
    L running = L::load(to + i, rest);
    for (std::size_t row = 0; row < rows; ++row)
        running = Reduce::combine(running, L::load(from + row * width + i, rest));
    running.store(to + i, rest);
}

/// Neighbouring axes that are all reduced or all kept.
struct Group {
    std::size_t extent;
    bool is_reduced;
    std::size_t inside = 1;       ///< elements of x in one step along it
    std::size_t kept_inside = 1;  ///< elements of the result in one step along it
};

/// The groups of a reduction, from the outermost on; axes of extent 1 are in none.
class Groups {
  public:
    Groups(const Shape& x, const Shape& result) {
        const std::size_t lead = x.rank() - result.rank();
        for (std::size_t axis = 0; axis < x.rank(); ++axis) {
            if (x[axis] == 1) continue;
            const bool is_reduced = axis < lead || result[axis - lead] == 1;
            if (count_ > 0 && groups_[count_ - 1].is_reduced == is_reduced)
                groups_[count_ - 1].extent *= x[axis];
            else
                groups_[count_++] = {x[axis], is_reduced};
        }
        for (std::size_t i = count_; i-- > 1;) {
            const Group& inner = groups_[i];
            groups_[i - 1].inside = inner.inside * inner.extent;
            groups_[i - 1].kept_inside = inner.kept_inside * (inner.is_reduced ? 1 : inner.extent);
        }
    }
    std::size_t count() const { return count_; }
    const Group& operator[](std::size_t i) const { return groups_[i]; }

  private:
    std::array<Group, Shape::max_rank> groups_;
    std::size_t count_ = 0;
};

template <class Reduce, class T>
class Reducer {
  public:
    Reducer(const Shape& x, const Shape& result) : groups_(x, result) {}

    void run(const T* from, T* to) const { reduce(0, from, to); }

  private:
    /// Combines what lies inside one step along group `level - 1`.
    void reduce(std::size_t level, const T* from, T* to) const {
        if (level == groups_.count()) {
            *to = Reduce::combine(*to, *from);
            return;
        }
        const Group& group = groups_[level];
        if (level + 1 == groups_.count()) {
            if (group.is_reduced)
                *to = Reduce::combine(*to, reduce_run<Reduce>(from, group.extent));
            else
                combine_run<Reduce>(from, to, group.extent);
        } else if (group.is_reduced) {
            reduce_rows(level, from, group.extent, to);
        } else if (level + 2 == groups_.count()) {
            for (std::size_t i = 0; i < group.extent; ++i)
                to[i] = Reduce::combine(to[i], reduce_run<Reduce>(from + i * group.inside, group.inside));
        } else {
            for (std::size_t i = 0; i < group.extent; ++i)
                reduce(level + 1, from + i * group.inside, to + i * group.kept_inside);
        }
    }

    /// Combines `count` steps along group `level`.
    void reduce_rows(std::size_t level, const T* from, std::size_t count, T* to) const {
        const Group& group = groups_[level];
        if (count > rows_in_order) {
            const std::size_t half = first_half(count, rows_in_order);
            reduce_rows(level, from, half, to);
            const Buffer<T> rest(Shape{group.kept_inside});
            std::fill_n(rest.data(), rest.size(), Reduce::template neutral<T>);
            reduce_rows(level, from + half * group.inside, count - half, rest.data());
            combine_run<Reduce>(rest.data(), to, group.kept_inside);
        } else if (level + 2 == groups_.count()) {
            combine_rows<Reduce>(from, count, group.inside, to);
        } else {
            for (std::size_t i = 0; i < count; ++i) reduce(level + 1, from + i * group.inside, to);
        }
    }

    Groups groups_;
};

}  // namespace

template <class T>
void sum_into(const Array<T>& x, const Shape& shape, Target<T> target) {
    if (!target.add) std::fill_n(target.data, shape.size(), T(0));
    if (x.size() != 0) Reducer<Sum, T>(x.shape(), shape).run(x.data(), target.data);
}

template <class T>
void max_into(const Array<T>& x, const Shape& shape, T* target) {
    std::fill_n(target, shape.size(), Max::neutral<T>);
    if (x.size() != 0) Reducer<Max, T>(x.shape(), shape).run(x.data(), target);
}

template void sum_into(const Array<float>&, const Shape&, Target<float>);
template void sum_into(const Array<double>&, const Shape&, Target<double>);
template void max_into(const Array<float>&, const Shape&, float*);
template void max_into(const Array<double>&, const Shape&, double*);

}  // namespace tapeloop::detail
