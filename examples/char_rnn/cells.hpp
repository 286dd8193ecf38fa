#pragma once

#include "model.hpp"

#include <nn/generator.hpp>

#include <string>
#include <string_view>

namespace char_rnn {

/// A cell that `--cell` can name. One line in cells.cpp makes another.
struct CellKind {
    std::string_view name;
    std::string_view description;
    std::size_t gates;  ///< into which each unit has weights
    std::unique_ptr<LanguageModel> (*make)(std::size_t vocabulary_size, std::size_t hidden_size,
                                           tapeloop::nn::Generator& generator);
};

/// Null if there is none of that name.
const CellKind* find_cell(std::string_view name);
/// `elman, relu, ...`
std::string cell_names();
/// `elman (tanh), relu (...), ...`
std::string cell_help();

}  // namespace char_rnn
