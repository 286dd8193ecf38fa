#pragma once

#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/var.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tapeloop {

/// Options of `StudyRecorder`.
struct StudyRecorderOptions {
    /// A training step is recorded when its number is a multiple of this.
    std::size_t every = 100;
    /// A cell's `gate_names()`, by which its gates are called.
    std::vector<std::string> gates = {};
    /// The number of frames that are kept. When there would be more, every second one goes, and from then on
    /// half as many are taken, so that a long training costs no more than a short one.
    std::size_t most_frames = 200;
    /// What the number of a frame is, if it is no training step: `"size of W in percent"` of a film that
    /// shows what one network does when its W grows.
    std::string axis = {};
};

/// A training as a film, for the study page: at every n-th step the loss, the norms of the gradients by
/// parameter and time step, the means of the gates, and the spectrum of the Jacobians if one is given.
///
///     StudyRecorder film({.every = 50, .gates = {names.begin(), names.end()}});
///     for (std::size_t step = 0; step < steps; ++step) {
///         const Tape<float> tape({.fuse = false});   // gates are there when it does not fuse
///         const Var<float> J = loss(model, batch(step));
///         if (film.is_due(step)) film.record(step, J);
///         adam.step(gradient(J, model.parameters()));
///     }
///     write_study(tape, gradients, "study.html", {.film = film});
///
/// A film of something else that changes has its name as `axis`, and numbers that grow:
///
///     StudyRecorder film({.axis = "size of W in percent"});
///     const Tensor<double> W = cell.W.value();
///     for (std::size_t percent = 10; percent <= 200; percent += 10) {
///         cell.W.assign(0.01 * percent * W);
///         const Tape<double> tape({.fuse = false});
///         film.record(percent, loss(cell, x));
///     }
///
/// Frames that are all of one batch are easier to compare than those of the batches that a training sees.
class StudyRecorder {
  public:
    /// Makes one with the default options.
    StudyRecorder() = default;
    /// Throws `std::invalid_argument` when `every` is 0 or `most_frames` is below 2.
    explicit StudyRecorder(const StudyRecorderOptions& options);

    /// Returns whether a training step, counted from 0, is to be recorded.
    bool is_due(std::size_t step) const { return step % options_.every == 0; }
    /// Records a frame: J's gradient by all that was recorded for it, one sweep of its own. J has one
    /// element. Throws `std::invalid_argument` when it has several or the number does not lie behind the
    /// last, and `std::logic_error` when a parameter was changed after it was recorded.
    void record(std::size_t step, const Var<float>& J,
                const std::optional<JacobianSpectrum>& spectrum = std::nullopt);
    void record(std::size_t step, const Var<double>& J,
                const std::optional<JacobianSpectrum>& spectrum = std::nullopt);

    /// Returns the number of frames that are kept.
    std::size_t frame_count() const { return frames_.size(); }
    /// Returns what the numbers of the frames are, empty for training steps.
    const std::string& axis() const { return options_.axis; }
    /// Returns the frames as the page's data, a JSON text each.
    std::vector<std::string> frames() const;

  private:
    struct Frame {
        std::size_t step;
        std::string json;
    };

    void require_behind(std::size_t step) const;
    void add(Frame frame);

    StudyRecorderOptions options_;
    std::vector<Frame> frames_;
};

}  // namespace tapeloop
