#include <fmt/format.h>
#include <autograd/drawn.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/tape.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/training.hpp>

#include <bit>
#include <cstdint>
#include <stdexcept>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

/// Draws each element: `with_rate` with the probability `rate`, else `otherwise`.
struct Mask {
    double rate;
    double with_rate;
    double otherwise;

    template <class T>
    void draw(std::span<T> elements, Generator& generator) const {
        for (T& element : elements)
            element = static_cast<T>(generator.uniform() < rate ? with_rate : otherwise);
    }
    template <class T>
    Tensor<T> tensor(const Shape& shape, Generator& generator) const {
        Tensor<T> mask = uninitialised<T>(shape);
        draw(std::span<T>(mask.data(), mask.size()), generator);
        return mask;
    }
    template <class T>
    Var<T> node(const Shape& shape, Generator& generator) const {
        return drawn<T>(shape, [*this, &generator](std::span<T> elements) { draw(elements, generator); });
    }
};

Mask dropout_of(double rate) { return {rate, 0, 1 / (1 - rate)}; }
Mask zoneout_of(double rate) { return {rate, 1, 0}; }

template <class T>
Var<T> drop_out(const Dropout& dropout, const Var<T>& x) {
    require_rate("Dropout", dropout.rate);
    Shape shape = x.shape();
    if (dropout.same_for_sequence && shape.rank() < 3)
        throw std::invalid_argument(fmt::format(
            "Dropout: x is {}; one mask for a sequence needs all of its time steps, [T, B, ..], or "
            "for each of them the same seeds as a second argument (see mask_seeds)",
            shape.text()));
    Generator* generator = Training::generator();
    if (generator == nullptr || dropout.rate == 0) return x;
    if (dropout.same_for_sequence) shape = shape.with(0, 1);
    return x * drawn_dropout_mask<T>(shape, dropout.rate, *generator);
}

/// Random bits that a key tells, the k-th of them (the mixing function of SplitMix64; Steele, Lea and Flood
/// 2014).
std::uint64_t bits_at(std::uint64_t key, std::uint64_t k) {
    std::uint64_t z = key + (k + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

template <class T>
void draw_seeded(std::span<T> mask, const Array<T>& seeds, const Shape& shape, double rate) {
    const std::size_t width = shape[0] == 0 ? 0 : shape.size() / shape[0];
    for (std::size_t row = 0; row < shape[0]; ++row) {
        const auto first = static_cast<double>(seeds.data()[2 * row]);
        const auto second = static_cast<double>(seeds.data()[2 * row + 1]);
        const bool has_mask = first != 0 || second != 0;
        const std::uint64_t key = bits_at(std::bit_cast<std::uint64_t>(first), 0) ^
                                  bits_at(std::bit_cast<std::uint64_t>(second), 1);
        for (std::size_t k = 0; k < width; ++k) {
            const bool is_dropped = static_cast<double>(bits_at(key, k) >> 11) * 0x1p-53 < rate;
            mask[row * width + k] = static_cast<T>(!has_mask ? 1 : is_dropped ? 0 : 1 / (1 - rate));
        }
    }
}

template <class T>
Var<T> drop_out(const Dropout& dropout, const Var<T>& x, const Var<T>& seeds) {
    require_rate("Dropout", dropout.rate);
    const std::size_t axis = x.shape().rank() > 2 ? 1 : 0;
    const std::size_t batch = x.shape().rank() > axis ? x.shape()[axis] : 0;
    if (x.shape().rank() < 2 || seeds.shape() != Shape{batch, 2})
        throw std::invalid_argument(fmt::format(
            "Dropout: x is {} and the seeds of the masks are {}; they must be [B, ..] or [T, B, ..] "
            "and [B, 2]",
            x.shape().text(), seeds.shape().text()));
    if (Training::generator() == nullptr || dropout.rate == 0) return x;
    Shape shape;
    for (std::size_t k = axis; k < x.shape().rank(); ++k) shape.append(x.shape()[k]);
    const auto draw = [&tape = seeds.tape(), seeds = seeds.index(), shape, rate = dropout.rate](
                          std::span<T> mask) { draw_seeded(mask, tape.array(seeds), shape, rate); };
    return x * drawn<T>(shape, draw).named("dropout mask");
}

}  // namespace

namespace detail {

template <class T>
Var<T> mask_seeds(std::size_t batch) {
    const auto draw = [generator = Training::generator()](std::span<T> seeds) {
        // Whole numbers that float holds, and never 0 where there is a mask.
        for (T& seed : seeds)
            seed = generator == nullptr ? T(0) : static_cast<T>((generator->bits() >> 40) + 1);
    };
    return drawn<T>({batch, 2}, draw).named("dropout seeds");
}

template <class T>
Var<T> drawn_dropout_mask(const Shape& shape, double rate, Generator& generator) {
    require_rate("dropout_mask", rate);
    return dropout_of(rate).node<T>(shape, generator).named("dropout mask");
}
template <class T>
Var<T> drawn_zoneout_mask(const Shape& shape, double rate, Generator& generator) {
    require_rate("zoneout_mask", rate);
    return zoneout_of(rate).node<T>(shape, generator).named("zoneout mask");
}

void require_rate(std::string_view name, double rate) {
    if (!(rate >= 0 && rate < 1))
        throw std::invalid_argument(fmt::format("{}: the rate is {}; it must be in [0, 1)", name, rate));
}

}  // namespace detail

template <class T>
Tensor<T> dropout_mask(const Shape& shape, double rate, Generator& generator) {
    require_rate("dropout_mask", rate);
    return dropout_of(rate).tensor<T>(shape, generator);
}

template <class T>
Tensor<T> zoneout_mask(const Shape& shape, double rate, Generator& generator) {
    require_rate("zoneout_mask", rate);
    return zoneout_of(rate).tensor<T>(shape, generator);
}

Var<float> Dropout::operator()(const Var<float>& x) const { return drop_out(*this, x); }
Var<double> Dropout::operator()(const Var<double>& x) const { return drop_out(*this, x); }
Var<float> Dropout::operator()(const Var<float>& x, const Var<float>& seeds) const {
    return drop_out(*this, x, seeds);
}
Var<double> Dropout::operator()(const Var<double>& x, const Var<double>& seeds) const {
    return drop_out(*this, x, seeds);
}

namespace detail {

template Var<float> mask_seeds(std::size_t);
template Var<double> mask_seeds(std::size_t);
template Var<float> drawn_dropout_mask(const Shape&, double, Generator&);
template Var<double> drawn_dropout_mask(const Shape&, double, Generator&);
template Var<float> drawn_zoneout_mask(const Shape&, double, Generator&);
template Var<double> drawn_zoneout_mask(const Shape&, double, Generator&);

}  // namespace detail

template Tensor<float> dropout_mask(const Shape&, double, Generator&);
template Tensor<double> dropout_mask(const Shape&, double, Generator&);
template Tensor<float> zoneout_mask(const Shape&, double, Generator&);
template Tensor<double> zoneout_mask(const Shape&, double, Generator&);

}  // namespace tapeloop::nn
