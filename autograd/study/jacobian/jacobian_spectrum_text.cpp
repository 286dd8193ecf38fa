#include <fmt/format.h>
#include <autograd/study/graph/table.hpp>
#include <autograd/study/jacobian/jacobian_spectrum.hpp>

#include <cmath>

namespace tapeloop {

using namespace detail;

namespace {

double decadic(double logarithm) { return logarithm / std::log(10.0); }

/// A number given by its natural logarithm, as `1.2e-400`.
std::string scientific(double logarithm) {
    if (std::isinf(logarithm)) return logarithm < 0 ? "0" : "inf";
    double exponent = std::floor(decadic(logarithm));
    double mantissa = std::pow(10.0, decadic(logarithm) - exponent);
    if (mantissa >= 9.95) {  // it would be printed as 10.0
        mantissa = 1;
        ++exponent;
    }
    return fmt::format("{:.1f}e{:+03.0f}", mantissa, exponent);
}

std::string steps_text(const std::vector<StepSpectrum>& steps) {
    std::string text =
        "  step     largest  smallest  spectral   norms of the parts                 bound\n"
        "        singular values       radius     activations  weights    direct\n";
    detail::ShownRows shown(steps.size() - 1);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!shown.next(i, text)) continue;
        const StepSpectrum& step = steps[i];
        text += fmt::format("  {:<6}{:>9.3g}{:>10.3g}{:>10.3g}{:>13.3g}{:>11.3g}{:>10.3g}{:>10.3g}\n",
                            fmt::format("t={}", step.time_step), step.singular_values.front(),
                            step.singular_values.back(), step.spectral_radius, step.activations, step.weights,
                            step.direct, step.bound());
    }
    return text;
}

std::string products_text(const std::vector<ProductSpectrum>& products) {
    std::string text = "  distance     largest singular value     bound\n";
    detail::ShownRows shown(products.size());
    for (const ProductSpectrum& product : products)
        if (shown.next(product.distance, text))
            text +=
                fmt::format("  {:>8}{:>27}{:>10}\n", product.distance,
                            scientific(product.log_singular_values.front()), scientific(product.log_bound));
    return text;
}

std::string verdict_text(const JacobianSpectrum& spectrum) {
    const ProductSpectrum& whole = spectrum.products.back();
    std::string text =
        fmt::format("  {}: over {} steps the largest singular value is {}, {:.3f} a step\n",
                    name_of(spectrum.flow), whole.distance, scientific(whole.log_singular_values.front()),
                    std::exp(whole.log_singular_values.front() / static_cast<double>(whole.distance)));
    text += spectrum.factor < 1
                ? fmt::format(
                      "  the bound's factor is {:.6g} a step, below 1: over enough steps it has to vanish\n",
                      spectrum.factor)
                : fmt::format("  the bound's factor is {:.6g} a step, not below 1: it allows either\n",
                              spectrum.factor);
    return text;
}

}  // namespace

std::string_view name_of(GradientFlow flow) {
    switch (flow) {
        case GradientFlow::vanishing:
            return "vanishing";
        case GradientFlow::exploding:
            return "exploding";
        case GradientFlow::neither:
            break;
    }
    return "neither vanishing nor exploding";
}

std::string JacobianSpectrum::text() const {
    std::string text = fmt::format("Jacobians of row {}: {} steps, a state of {} numbers\n", row,
                                   steps.size(), steps.front().singular_values.size());
    text += verdict_text(*this) + steps_text(steps) + products_text(products);
    text += fmt::format("  Lyapunov exponents: largest {:.4f}, median {:.4f}, smallest {:.4f} nats a step\n",
                        exponents.front(), exponents[exponents.size() / 2], exponents.back());
    return text;
}

std::string JacobianSpectrum::steps_csv() const {
    std::string text = "step,spectral_radius,activations,weights,direct,bound";
    for (std::size_t i = 0; i < exponents.size(); ++i) text += fmt::format(",singular_value_{}", i);
    text += "\n";
    for (const StepSpectrum& step : steps) {
        text += fmt::format("{},{},{},{},{},{}", step.time_step, step.spectral_radius, step.activations,
                            step.weights, step.direct, step.bound());
        for (double value : step.singular_values) text += fmt::format(",{}", value);
        text += "\n";
    }
    return text;
}

std::string JacobianSpectrum::products_csv() const {
    std::string text = "distance,log10_bound,log10_spectral_radius";
    for (std::size_t i = 0; i < exponents.size(); ++i) text += fmt::format(",log10_singular_value_{}", i);
    text += "\n";
    for (const ProductSpectrum& product : products) {
        text += fmt::format("{},{},{}", product.distance, decadic(product.log_bound),
                            decadic(product.log_spectral_radius));
        for (double value : product.log_singular_values) text += fmt::format(",{}", decadic(value));
        text += "\n";
    }
    return text;
}

}  // namespace tapeloop
