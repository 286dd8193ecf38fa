#include "cells.hpp"

#include <fmt/format.h>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>

#include <algorithm>
#include <array>

namespace char_rnn {
namespace {

using namespace tapeloop;

template <class Cell, auto... options>
std::unique_ptr<LanguageModel> make(std::size_t vocabulary_size, std::size_t hidden_size,
                                    nn::Generator& generator) {
    Cell cell(vocabulary_size, hidden_size, generator, options...);
    nn::Linear<float> output(hidden_size, vocabulary_size, generator);
    return std::make_unique<RecurrentModel<Cell>>(std::move(cell), std::move(output));
}

constexpr nn::ElmanOptions relu{nn::Activation::relu};

constexpr std::array cells{
    CellKind{"elman", "tanh, the textbook's", 1, make<nn::ElmanCell<float>>},
    CellKind{"relu", "Elman with relu", 1, make<nn::ElmanCell<float>, relu>},
    CellKind{"gru", "gated recurrent unit", 3, make<nn::GruCell<float>>},
    CellKind{"lstm", "long short-term memory", 4, make<nn::LstmCell<float>>},
};

}  // namespace

const CellKind* find_cell(std::string_view name) {
    const auto found = std::ranges::find(cells, name, &CellKind::name);
    return found == cells.end() ? nullptr : found;
}

std::string cell_names() {
    std::string names;
    for (const CellKind& cell : cells) names += (names.empty() ? "" : ", ") + std::string(cell.name);
    return names;
}

std::string cell_help() {
    std::string help;
    for (const CellKind& cell : cells)
        help += fmt::format("{}{} ({})", help.empty() ? "" : ", ", cell.name, cell.description);
    return help;
}

}  // namespace char_rnn
