#include <fmt/format.h>
#include <autograd/kernels/reduction.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/moments.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/record/definition.hpp>
#include <nn/layers/layer_norm.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn {

using namespace tapeloop::detail;

namespace {

auto mean_of_rows(const auto& x) { return mean(x, -1, true); }

/// The distances from the mean. Twice, for the first mean is rounded: far from 0 by more than the distances
/// are.
auto centred_rows(const auto& x) {
    const auto distance = x - mean_of_rows(x);
    return distance - mean_of_rows(distance);
}

/// sqrt(mean of the squares + epsilon) of each row, [.., D] -> [.., 1].
struct Deviation {
    static constexpr std::string_view name = "deviation";
    static constexpr Description description{.equation = "y = √((Σ x²) / n + ε)",
                                             .rules = {{"x", "g ⊙ x / (n y)"}}};
    double epsilon;
    static Shape shape(const Shape& x) { return x.with(x.rank() - 1, 1); }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        deviation_into(x, y.shape(), epsilon, y.data());
    }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto& y, const auto& x) {
            return scale(g / static_cast<double>(x.shape().back()), x / y);
        }};
    }
};

template <class T>
Array<T> deviation(const Array<T>& x, double epsilon) {
    return apply(Deviation{epsilon}, x);
}
template <class T>
Var<T> deviation(const Var<T>& x, double epsilon) {
    return apply(Deviation{epsilon}, Operand<T>(x));
}

struct Spread {
    static constexpr std::string_view name = "standardise";
    static auto value(const auto& g, const auto& mean_g, const auto& y, const auto& mean_gy,
                      const auto& deviation) {
        const auto inner = g - mean_g - where(equal(mean_gy, 0), 0, mean_gy * y);
        return where(equal(inner, 0), 0, inner / deviation);
    }
};

template <class T>
Array<T> zero_safe_product(const Array<T>& g, const Array<T>& y) {
    return elementwise(elementary::Scale{}, g, y);
}
template <class T>
Var<T> zero_safe_product(const Var<T>& g, const Var<T>& y) {
    return scale(g, y);
}

template <class T>
Array<T> spread(const Array<T>& g, const Array<T>& mean_g, const Array<T>& y, const Array<T>& mean_gy,
                const Array<T>& deviation) {
    return elementwise(Spread{}, g, mean_g, y, mean_gy, deviation);
}
template <class T>
Var<T> spread(const Var<T>& g, const Var<T>& mean_g, const Var<T>& y, const Var<T>& mean_gy,
              const Var<T>& deviation) {
    return scale(g - mean_g - scale(mean_gy, y), 1 / deviation);
}

/// Standardises the last axis. With s = sqrt(variance + epsilon), dx = (g - mean(g) - y mean(g y)) / s. Where
/// a whole row's cotangent is 0 so is dx, whatever x holds.
struct Standardise {
    static constexpr std::string_view name = "standardise";
    static constexpr Description description{.equation = "y = (x - μ) / s, μ = mean(x), s = √(var(x) + ε)",
                                             .rules = {{"x", "(g - mean(g) - y ⊙ mean(g ⊙ y)) / s"}}};
    double epsilon;

    OnnxValue onnx(const OnnxValue& x) const {
        const auto mean_of = [](const OnnxValue& of) {
            return onnx_node("ReduceMean", {of}, {{"axes", std::vector<std::int64_t>{-1}}, {"keepdims", 1}});
        };
        const OnnxValue distance = onnx_node("Sub", {x, mean_of(x)});
        const OnnxValue variance = mean_of(onnx_node("Mul", {distance, distance}));
        return onnx_node("Div", {distance, onnx_node("Sqrt", {onnx_node("Add", {variance, epsilon})})});
    }
    static Shape shape(const Shape& x) {
        if (x.rank() == 0 || x.back() == 0)
            throw std::invalid_argument(
                fmt::format("{}: x is {}; its last axis must have elements", name, x.text()));
        return x;
    }

    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        const Array<T> centred = centred_rows(x);
        run_function<T, 2>(elementary::Divide{}, x.shape(), {centred, deviation(centred, epsilon)},
                           {y.data(), false});
    }

    auto rules() const {
        return std::tuple{[e = epsilon](const auto& g, const auto& y, const auto& x) {
            return spread(g, mean_of_rows(g), y, mean_of_rows(zero_safe_product(g, y)),
                          deviation(centred_rows(x), e));
        }};
    }
};

void require_epsilon(std::string_view name, double epsilon) {
    if (!(epsilon >= 0))
        throw std::invalid_argument(fmt::format("{}: epsilon is {}; it must not be negative", name, epsilon));
}

template <class T>
Var<T> standardised(const Operand<T>& x, double epsilon) {
    require_epsilon(Standardise::name, epsilon);
    return apply(Standardise{epsilon}, x);
}

}  // namespace

Var<float> standardise(const Operand<float>& x, double epsilon) { return standardised(x, epsilon); }
Var<double> standardise(const Operand<double>& x, double epsilon) { return standardised(x, epsilon); }

template <class T>
LayerNorm<T>::LayerNorm(std::size_t size, LayerNormOptions options) : epsilon(options.epsilon) {
    if (size == 0) throw std::invalid_argument("LayerNorm: size is 0; it must be at least 1");
    require_epsilon("LayerNorm", epsilon);
    Tensor<T> ones = uninitialised<T>({size});
    std::fill_n(ones.data(), size, T(1));
    gamma = Parameter<T>("gamma", std::move(ones));
    beta = Parameter<T>("beta", tapeloop::detail::zeros<T>({size}));
}

template <class T>
LayerNorm<T>::LayerNorm(Tensor<T> factor, Tensor<T> shift, LayerNormOptions options)
    : gamma("gamma", std::move(factor)), beta("beta", std::move(shift)), epsilon(options.epsilon) {
    require_epsilon("LayerNorm", epsilon);
    if (gamma.shape().rank() != 1 || gamma.shape().size() == 0 || beta.shape() != gamma.shape())
        throw std::invalid_argument(fmt::format("LayerNorm: gamma is {} and beta {}; both must be [D]",
                                                gamma.shape().text(), beta.shape().text()));
}

template <class T>
Var<T> LayerNorm<T>::operator()(const Operand<T>& x) const {
    if (x.shape().rank() == 0 || x.shape().back() != gamma.shape()[0])
        throw std::invalid_argument(
            with_site(fmt::format("LayerNorm: x is {} and gamma {}; x's last axis must be as long as gamma",
                                  x.shape().text(), gamma.shape().text()),
                      x.site(), ""));
    return map([](auto y, auto factor, auto shift) { return y * factor + shift; }, standardised(x, epsilon),
               gamma, beta, x.site());
}

template struct LayerNorm<float>;
template struct LayerNorm<double>;

}  // namespace tapeloop::nn
