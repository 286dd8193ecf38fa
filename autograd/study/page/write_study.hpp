#pragma once

#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/study/page/playground.hpp>
#include <autograd/study/page/study_recorder.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tapeloop {

/// Options of `write_study`.
struct StudyOptions {
    std::string title = "A network through time";
    /// The language of the page's own texts, "en" or "ko"; empty for the one that its reader's browser asks
    /// for.
    std::string language = {};
    /// A cell's `gate_names()`, by which the plot of saturation calls the blocks of its packed weights.
    std::vector<std::string> gates = {};
    /// What the time steps are called: the tokens or the words that they read, times, or what else an axis
    /// should say besides their numbers. Step 0 first; those without one have their numbers alone.
    std::vector<std::string> steps = {};
    /// The ledgers, shown as heat maps.
    std::vector<GradientLedger> ledgers = {};
    /// The spectrum of the Jacobians from state to state, of one row.
    std::optional<JacobianSpectrum> spectrum = std::nullopt;
    /// The training so far, as it was recorded: shown over its steps.
    StudyRecorder film = {};
    /// Sliders that scale a parameter, move a bias or an element of the input, and run the recording again in
    /// the page; what they need makes the page 1.7 MB larger. Values are computed in `double`
    /// there.
    std::optional<Playground> playground = std::nullopt;
    /// The bound, roughly kept, of the page's tensors and ledgers together. Where they would be larger, each
    /// is averaged over blocks to fewer than its usual 48 by 48 cells.
    std::size_t largest_bytes = 32'000'000;
};

/// Writes a page that shows a recorded network: one HTML file that needs no network and opens from disk. The
/// folded cell and the network through time, each node with its values, cotangents and local Jacobian, the
/// forward pass and the backward wave step by step, and plots.
///
/// Of a local Jacobian there is all if node and input have at most 64 elements; else of an elementwise
/// operation its diagonal, and otherwise the part of the first row, if that has at most 64. The page says
/// what is left out and how to get it. Of an operation with several results, as `map` can have, there is
/// none.
///
/// Where J is the only root and has one element, the page also has what `explain` says of each node's
/// gradient and its equations of `derivation`: of parameters first, then of what later steps take, then of
/// the others, as far as an eighth of `StudyOptions::largest_bytes` holds them.
///
/// Cotangents are shown as far as `gradients` has them: `gradient(J, every_node(tape))` has them all. The
/// single operations of a cell are there when the tape was made with `{.fuse = false}`, and the uses of all
/// weights stand at their time steps when it was unrolled with `{.hoist = false}`.
///
/// With a `playground` all operations must say their counterparts in ONNX, as those of cells do on a tape
/// with
/// `{.fuse = false}`, and J must be the only root and have one element.
///
/// Throws `std::logic_error` when `gradients` has a `Var` of another tape or a parameter was changed after it
/// was recorded, as by an optimizer's step: write the study before that; and `std::invalid_argument` when the
/// page has no texts in the language, it cannot have the playground asked for, or the file cannot be written;
/// what was there before is then left as it is.
void write_study(Tape<float>& tape, const Gradients<float>& gradients, const std::filesystem::path& path,
                 const StudyOptions& options = {});
void write_study(Tape<double>& tape, const Gradients<double>& gradients, const std::filesystem::path& path,
                 const StudyOptions& options = {});

}  // namespace tapeloop
