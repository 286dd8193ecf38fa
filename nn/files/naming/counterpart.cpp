#include <fmt/format.h>
#include <nn/files/naming/counterpart.hpp>

#include <cmath>
#include <stdexcept>

namespace tapeloop::nn::detail {

namespace {

/// The option that keeps an LSTM from being another library's, as a sentence about what that has not; or
/// nothing.
std::string lacking(const LstmVariantOptions& options, LstmCounterpart there) {
    if (options.peephole) return "has no peepholes";
    if (options.coupled) return "has a forget gate of its own";
    if (options.layer_norm) return "does not normalise its gates";
    if (std::isfinite(options.cell_clip)) return "does not limit its memory, as cell_clip does";
    if (std::isfinite(options.projection_clip)) return "does not limit its output, as projection_clip does";
    if (options.projection != 0 && !there.projection) return "has no projection";
    if (options.projection_bias) return "has a projection without bias";
    if (options.gate_activation != GateActivation::sigmoid && !there.hard_sigmoid)
        return "squashes its gates by the sigmoid, and not by hard_sigmoid";
    return "";
}

}  // namespace

void fail_without_counterpart(std::string_view operation, std::string_view cell, std::string_view reason) {
    throw std::invalid_argument(
        fmt::format("{}: there is no counterpart of {}: {}", operation, cell, reason));
}

void fail_unknown_layer(std::string_view operation, std::string_view library) {
    throw std::invalid_argument(fmt::format(
        "{}: one of the layers is none that {} has as well; name what it consists of one by one, or "
        "by a table of your own (Naming::add)",
        operation, library));
}

void require_counterpart(std::string_view operation, std::string_view library,
                         const LstmVariantOptions& options, LstmCounterpart there) {
    const std::string what = lacking(options, there);
    if (!what.empty())
        fail_without_counterpart(operation, "this LstmVariantCell",
                                 fmt::format("the LSTM of {} {}", library, what));
}

void require_counterpart(std::string_view operation, std::string_view library, std::string_view cell,
                         const GruOptions& options, bool hard_sigmoid) {
    if (options.update != Update::keeps)
        fail_without_counterpart(
            operation, fmt::format("this {}", cell),
            fmt::format("the update gate of {} keeps the old state, and Update::takes takes the new one",
                        library));
    if (options.gate_activation != GateActivation::sigmoid && !hard_sigmoid)
        fail_without_counterpart(
            operation, fmt::format("this {}", cell),
            fmt::format("the gates of {} are squashed by the sigmoid, and not by hard_sigmoid", library));
}

}  // namespace tapeloop::nn::detail
