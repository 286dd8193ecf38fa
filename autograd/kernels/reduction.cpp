#include <autograd/kernels/reduction.hpp>

#include <algorithm>
#include <limits>

namespace tapeloop {
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

// Four running results hide the latency of the additions.
template <class Reduce, class T>
T reduce_run(const T* from, std::size_t count) {
    using L = Lanes<T>;
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

template <class Reduce, class T>
void combine_run(const T* from, T* to, std::size_t count) {
    using L = Lanes<T>;
    std::size_t i = 0;
    for (; i + L::width <= count; i += L::width)
        Reduce::combine(L::load(to + i), L::load(from + i)).store(to + i);
    if (const std::size_t rest = count - i; rest != 0)
        Reduce::combine(L::load(to + i, rest), L::load(from + i, rest)).store(to + i, rest);
}

template <class Reduce, class T>
void reduce_into(const Array<T>& x, const Shape& shape, T* target) {
    if (x.size() == 0) return;
    const std::array<Layout, 2> layouts{Layout{&x.shape()}, Layout{&shape}};
    const Walk walk(x.shape(), layouts);
    walk.each_row(0, walk.piece_count(), [&](const auto& offsets) {
        const T* from = x.data() + offsets[0];
        T* to = target + offsets[1];
        if (walk.single(1))
            *to = Reduce::combine(*to, reduce_run<Reduce>(from, walk.width()));
        else
            combine_run<Reduce>(from, to, walk.width());
    });
}

}  // namespace

template <class T>
void sum_into(const Array<T>& x, const Shape& shape, Target<T> target) {
    if (!target.add) std::fill_n(target.data, shape.size(), T(0));
    reduce_into<Sum>(x, shape, target.data);
}

template <class T>
void max_into(const Array<T>& x, const Shape& shape, T* target) {
    std::fill_n(target, shape.size(), Max::neutral<T>);
    reduce_into<Max>(x, shape, target);
}

template void sum_into(const Array<float>&, const Shape&, Target<float>);
template void sum_into(const Array<double>&, const Shape&, Target<double>);
template void max_into(const Array<float>&, const Shape&, float*);
template void max_into(const Array<double>&, const Shape&, double*);

}  // namespace tapeloop
