#include <autograd/kernels/norm.hpp>
#include <autograd/study/play/figures_text.hpp>

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace tapeloop::detail {
namespace {

std::string number_text(double number) {
    return std::isfinite(number) ? fmt::format("{}", number)
                                 : fmt::format("\"{}\"", std::isnan(number) ? "nan"
                                                         : number > 0       ? "inf"
                                                                            : "-inf");
}

/// `[a,b]` of what `text` makes of each.
template <class List, class Text>
std::string list_text(const List& list, const Text& text) {
    std::string made;
    for (const auto& one : list) made += (made.empty() ? "" : ",") + text(one);
    return "[" + made + "]";
}
template <class List>
std::string numbers_text(const List& list) {
    return list_text(list, number_text);
}

/// Decadic logarithms of what is given in natural ones.
std::string decades_text(const std::vector<double>& logarithms) {
    return list_text(logarithms, [](double one) { return number_text(one / std::numbers::ln10); });
}

std::string norms_text(const PlayedNorms& norms) {
    return fmt::format(R"({{"id":{},"by_step":{}}})", norms.parameter, numbers_text(norms.by_step));
}

std::string ledger_text(const GradientLedger& ledger) {
    return fmt::format(R"({{"gradient":{},"deviation":{},"norms":{},"shares":{}}})",
                       number_text(norm_of(ledger.gradient)), number_text(ledger.deviation),
                       numbers_text(ledger.norms), numbers_text(ledger.shares));
}

std::string spectrum_text(const JacobianSpectrum& spectrum) {
    const auto step = [](const StepSpectrum& one) {
        return fmt::format(R"({{"time":{},"singular_values":{},"spectral_radius":{},"bound":{}}})",
                           one.time_step, numbers_text(one.singular_values), number_text(one.spectral_radius),
                           number_text(one.bound()));
    };
    const auto product = [](const ProductSpectrum& one) {
        return fmt::format(R"({{"distance":{},"decades":{},"bound":{}}})", one.distance,
                           decades_text(one.log_singular_values),
                           number_text(one.log_bound / std::numbers::ln10));
    };
    return fmt::format(R"({{"row":{},"steps":{},"products":{},"exponents":{},"flow":"{}"}})", spectrum.row,
                       list_text(spectrum.steps, step), list_text(spectrum.products, product),
                       numbers_text(spectrum.exponents), name_of(spectrum.flow));
}

std::string gate_text(const GateSaturation& gate) {
    return fmt::format(R"({{"mean":{},"low":{},"high":{}}})", numbers_text(gate.means),
                       numbers_text(gate.low), numbers_text(gate.high));
}

}  // namespace

std::string figures_text(const PlayedFigures& figures) {
    return fmt::format(R"({{"norms":{},"ledgers":{},"spectrum":{},"saturation":{}}})",
                       list_text(figures.norms, norms_text), list_text(figures.ledgers, ledger_text),
                       figures.spectrum.has_value() ? spectrum_text(*figures.spectrum) : "null",
                       list_text(figures.saturation, gate_text));
}

}  // namespace tapeloop::detail
