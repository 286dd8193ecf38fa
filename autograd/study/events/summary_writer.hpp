#pragma once

#include <autograd/tensor.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace tapeloop {

/// A file of events of a training, which TensorBoard shows: scalars, series and histograms.
///
///     SummaryWriter log("runs/elman");
///     for (std::int64_t step = 0; step < steps; ++step) {
///         ...
///         log.add_scalar("loss", J.item(), step);
///         log.add_histogram("dJ/dW", gradients[cell.W], step);
///     }
///
/// Then `tensorboard --logdir runs`. Tags with a slash stand in groups. An event is in the file when the call
/// returns, so that a training can be looked at while it goes on. The format is TensorFlow's: records with
/// masked CRC-32C checksums (tensorflow/core/lib/io/record_writer.h) of Event messages
/// (tensorflow/core/util/event.proto).
///
/// What cannot be written, such as to a full disk, throws `std::runtime_error` with the file's name and the
/// reason. The file then ends behind the last event that is whole, and later ones can be written when there
/// is room again.
class SummaryWriter {
  public:
    /// Makes the folder, if it is not there, and a new file in it, called
    /// `events.out.tfevents.SECONDS.N`. Each writer has a file of its own, also when several programs open
    /// one folder in the same second.
    explicit SummaryWriter(const std::filesystem::path& folder);

    /// Writes one number. TensorBoard draws those of a tag over their steps, in single precision.
    void add_scalar(std::string_view tag, double value, std::int64_t step);
    /// Writes numbers as the scalars of the steps 0, 1, ..., such as norms by time step.
    void add_series(std::string_view tag, std::span<const double> values);
    /// Writes how the elements of a tensor are distributed, over 30 equal ranges from the least to the
    /// greatest. Elements that are not finite are left out; throws `std::invalid_argument` when none is.
    void add_histogram(std::string_view tag, const Tensor<float>& values, std::int64_t step);
    void add_histogram(std::string_view tag, const Tensor<double>& values, std::int64_t step);

    /// Returns the file that is written.
    const std::filesystem::path& path() const { return path_; }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    void make_file_in(const std::filesystem::path& folder);
    void write(std::string_view event);

    std::filesystem::path path_;
    std::unique_ptr<std::FILE, Close> file_;
    std::uintmax_t length_ = 0;  ///< of the events that are whole
};

}  // namespace tapeloop
