#pragma once

#include <autograd/gradient.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace tapeloop {

/// A matrix of norms for the page: how much each pair of a loss and a use contributes to the gradient of a
/// parameter. Its rows and columns may stand for anything that the two texts say.
struct StudyLedger {
    std::string parameter;
    Tensor<double> norms;  ///< [losses, uses]
    std::string rows = "loss at t";
    std::string columns = "use at k";
};

/// The Jacobians of a state for the page. NaN stands for what was not computed.
struct StudySpectra {
    /// d h(t) / d h(t-1) for each time step t.
    struct Step {
        std::vector<double> singular_values;  ///< largest first
        double spectral_radius = 0;
    };
    /// d h(to) / d h(from).
    struct Product {
        std::size_t from = 0;
        std::size_t to = 0;
        std::vector<double> singular_values;
    };
    std::string state;  ///< its name, `h`
    std::vector<Step> steps;
    std::vector<Product> products;
    std::vector<double> lyapunov;  ///< the Lyapunov exponents
};

struct StudyOptions {
    std::string title = "A network through time";
    /// A cell's `gate_names()`, by which the plot of saturation calls the blocks of its packed weights.
    std::vector<std::string> gates = {};
    std::vector<StudyLedger> ledgers = {};
    StudySpectra spectra = {};
    /// About how large the page's tensors may be together. Where they would be larger, each is averaged over
    /// blocks to fewer than its usual 48 by 48 cells.
    std::size_t largest_bytes = 32'000'000;
};

/// Writes a page that shows a recorded network: one HTML file that needs no network and opens from disk. The
/// folded cell and the network through time, each node with its values, cotangents and local Jacobian, the
/// forward pass and the backward wave step by step, and plots.
///
/// Cotangents are shown as far as `gradients` has them: `gradient(J, every_node(tape))` has them all. The
/// single operations of a cell are there when the tape was made with `{.fuse = false}`, and the uses of all
/// weights stand at their time steps when it was unrolled with `{.hoist = false}`.
///
/// Throws `std::logic_error` when `gradients` has a `Var` of another tape, and `std::invalid_argument` when
/// the file cannot be written; what was there before is then left as it is.
void write_study(Tape<float>& tape, const Gradients<float>& gradients, const std::filesystem::path& path,
                 const StudyOptions& options = {});
void write_study(Tape<double>& tape, const Gradients<double>& gradients, const std::filesystem::path& path,
                 const StudyOptions& options = {});

}  // namespace tapeloop
