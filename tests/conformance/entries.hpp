#pragma once

#include "case.hpp"

#include <autograd/gradient.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>

namespace tapeloop::conformance {

/// The place of an entry of the file, such as `U.forget`, is among a cell's parameters.
struct Place {
    std::string entry;
    Parameter<double>* parameter;
    std::vector<std::string_view> gates;  ///< of a packed parameter
    std::string gate;                     ///< the entry's one among them
    bool is_bias = false;                 ///< it is zero when the file does not have it
    bool is_added = false;                ///< to what an earlier entry put there

    Shape shape() const;
    /// The entry's part of a tensor like the parameter.
    Tensor<double> part(const Tensor<double>& packed) const;
};

using Places = std::vector<Place>;

Places places_of(nn::ElmanCell<double>& cell, const Options& options);
Places places_of(nn::LstmCell<double>& cell, const Options& options);
Places places_of(nn::LstmVariantCell<double>& cell, const Options& options);
Places places_of(nn::GruCell<double>& cell, const Options& options);
Places places_of(nn::ResetBeforeGruCell<double>& cell, const Options& options);
Places places_of(nn::MinimalGruCell<double>& cell, const Options& options);

/// Gives the cell the file's values. Throws `Malformed`, beginning with `where`, when an entry is missing,
/// not known or of another shape.
void assign(const Places& places, const Entries& entries, const std::string& where);

/// The entries of these names as they are in the gradients of the cell's parameters.
Entries gradient_entries(const Places& places, const Gradients<double>& gradients);

}  // namespace tapeloop::conformance
