#pragma once

#include <nn/cells/gru_options.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>

#include <string>
#include <string_view>

/// Whether another library has the mathematics of a cell.
namespace tapeloop::nn::detail {

/// Throws `std::invalid_argument`: `operation` knows no counterpart of `cell`, because of `reason`, a
/// sentence.
[[noreturn]] void fail_without_counterpart(std::string_view operation, std::string_view cell,
                                           std::string_view reason);

/// Throws `std::invalid_argument`: `operation` does not know what an `AnyLayer` holds.
[[noreturn]] void fail_unknown_layer(std::string_view operation, std::string_view library);

/// What another library's LSTM has besides the plain one.
struct LstmCounterpart {
    bool projection = false;
    bool hard_sigmoid = false;
};

/// Throws `std::invalid_argument`, naming what `library` lacks, unless it has an LSTM of these options.
void require_counterpart(std::string_view operation, std::string_view library,
                         const LstmVariantOptions& options, LstmCounterpart there);

/// Throws `std::invalid_argument`, naming what `library` lacks, unless it has a GRU of these options.
void require_counterpart(std::string_view operation, std::string_view library, std::string_view cell,
                         const GruOptions& options, bool hard_sigmoid);

}  // namespace tapeloop::nn::detail
