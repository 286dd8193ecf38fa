#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/tape.hpp>
#include <nn/generator.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/training.hpp>

#include <stdexcept>

namespace tapeloop::nn {
namespace {

template <class T>
Tensor<T> drawn(const Shape& shape, double rate, double with_rate, double otherwise, Generator& generator) {
    Tensor<T> mask = uninitialised<T>(shape);
    for (T& element : mask) element = static_cast<T>(generator.uniform() < rate ? with_rate : otherwise);
    return mask;
}

template <class T>
Var<T> drop_out(const Dropout& dropout, const Var<T>& x) {
    require_rate("Dropout", dropout.rate);
    Generator* generator = Training::generator();
    if (generator == nullptr || dropout.rate == 0) return x;
    Shape shape = x.shape();
    if (dropout.same_for_sequence && shape.rank() > 2) shape = shape.with(0, 1);
    return x * input(dropout_mask<T>(shape, dropout.rate, *generator)).named("dropout mask");
}

}  // namespace

void require_rate(std::string_view name, double rate) {
    if (!(rate >= 0 && rate < 1))
        throw std::invalid_argument(fmt::format("{}: the rate is {}; it must be in [0, 1)", name, rate));
}

template <class T>
Tensor<T> dropout_mask(const Shape& shape, double rate, Generator& generator) {
    require_rate("dropout_mask", rate);
    return drawn<T>(shape, rate, 0, 1 / (1 - rate), generator);
}

template <class T>
Tensor<T> zoneout_mask(const Shape& shape, double rate, Generator& generator) {
    require_rate("zoneout_mask", rate);
    return drawn<T>(shape, rate, 1, 0, generator);
}

Var<float> Dropout::operator()(const Var<float>& x) const { return drop_out(*this, x); }
Var<double> Dropout::operator()(const Var<double>& x) const { return drop_out(*this, x); }

template Tensor<float> dropout_mask(const Shape&, double, Generator&);
template Tensor<double> dropout_mask(const Shape&, double, Generator&);
template Tensor<float> zoneout_mask(const Shape&, double, Generator&);
template Tensor<double> zoneout_mask(const Shape&, double, Generator&);

}  // namespace tapeloop::nn
