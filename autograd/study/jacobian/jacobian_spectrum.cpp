#include <fmt/format.h>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/product_values.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

std::vector<StepSpectrum> step_spectra(const std::vector<StepJacobian>& steps) {
    std::vector<StepSpectrum> spectra;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const StepJacobian& step = steps[i];
        // The weights' part of most cells is the same at every step, and costs as much as all the rest.
        const bool same_weights = i > 0 && step.weights == steps[i - 1].weights;
        spectra.push_back({step.time_step, detail::singular_values(step.whole),
                           detail::spectral_radius(step.whole),
                           same_weights ? spectra.back().weights : detail::spectral_norm(step.weights),
                           detail::spectral_norm(step.activations), detail::spectral_norm(step.direct)});
    }
    return spectra;
}

/// The products that end at the last state, from the shortest on.
std::vector<ProductSpectrum> product_spectra(const std::vector<StepJacobian>& steps, double factor,
                                             double epsilon, bool radii) {
    std::vector<ProductSpectrum> spectra;
    detail::ProductValues values(steps.back().whole.shape(0), epsilon);
    ScaledMatrix product{steps.back().whole, 0};
    for (std::size_t distance = 1; distance <= steps.size(); ++distance) {
        const Tensor<double>& step = steps[steps.size() - distance].whole;
        values.multiply(step);
        ProductSpectrum spectrum{distance, values.logarithms(), std::numeric_limits<double>::quiet_NaN(),
                                 static_cast<double>(distance) * std::log(factor)};
        if (radii) {
            if (distance > 1) product.matrix = detail::product(product.matrix, step);
            product.rescale();
            spectrum.log_spectral_radius =
                std::log(detail::spectral_radius(product.matrix)) + product.log_scale;
        }
        spectra.push_back(std::move(spectrum));
    }
    return spectra;
}

std::vector<double> lyapunov_exponents(const std::vector<StepJacobian>& steps, std::size_t warm_up) {
    const std::size_t S = steps.front().whole.shape(0);
    Tensor<double> directions = uninitialised<double>({S, S});
    directions.fill(0);
    for (std::size_t i = 0; i < S; ++i) directions(i, i) = 1;
    std::vector<double> sums(S, 0);
    for (std::size_t t = 0; t < steps.size(); ++t) {
        auto [Q, R] = detail::orthogonalised(detail::product(steps[t].whole, directions));
        directions = std::move(Q);
        if (t < warm_up) continue;
        for (std::size_t i = 0; i < S; ++i) sums[i] += std::log(std::abs(R(i, i)));
    }
    for (double& sum : sums) sum /= static_cast<double>(steps.size() - warm_up);
    std::sort(sums.begin(), sums.end(), std::greater<>());
    return sums;
}

GradientFlow flow_of(double log_norm, const SpectrumOptions& options) {
    if (log_norm < std::log(options.vanishing)) return GradientFlow::vanishing;
    if (log_norm > std::log(options.exploding)) return GradientFlow::exploding;
    return GradientFlow::neither;
}

}  // namespace

JacobianSpectrum JacobianLens::spectrum(std::size_t row, const SpectrumOptions& options) const {
    const std::vector<StepJacobian>& all = of_row(row);
    if (options.warm_up >= all.size())
        throw std::invalid_argument(
            fmt::format("jacobian lens: a warm-up of {} of {} steps leaves none for the exponents",
                        options.warm_up, all.size()));
    JacobianSpectrum result{row, step_spectra(all), {}, {}, 0, GradientFlow::neither};
    for (const StepSpectrum& step : result.steps) result.factor = std::max(result.factor, step.bound());
    result.products = product_spectra(all, result.factor, epsilon, options.product_radii);
    result.exponents = lyapunov_exponents(all, options.warm_up);
    result.flow = flow_of(result.products.back().log_singular_values.front(), options);
    return result;
}

}  // namespace tapeloop
