#pragma once

#include "case.hpp"

#include <autograd/gradient.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/files/weights/naming.hpp>

namespace tapeloop::conformance {

/// Where the entries of the file, such as `U.forget`, are among a cell's parameters. A bias that the file
/// does not have is zero.
nn::Naming<double> naming_of(nn::ElmanCell<double>& cell, const Options& options);
nn::Naming<double> naming_of(nn::LstmCell<double>& cell, const Options& options);
nn::Naming<double> naming_of(nn::LstmVariantCell<double>& cell, const Options& options);
nn::Naming<double> naming_of(nn::GruCell<double>& cell, const Options& options);
nn::Naming<double> naming_of(nn::ResetBeforeGruCell<double>& cell, const Options& options);
nn::Naming<double> naming_of(nn::MinimalGruCell<double>& cell, const Options& options);

/// Gives the cell the file's values. Throws `Malformed`, beginning with `where`, when an entry is missing,
/// not known or of another shape.
void assign(const nn::Naming<double>& naming, const Entries& entries, const std::string& where);

/// The entries of these names as they are in the gradients of the cell's parameters.
Entries gradient_entries(const nn::Naming<double>& naming, const Gradients<double>& gradients);

}  // namespace tapeloop::conformance
