#pragma once

#include "../program/output_file.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace char_rnn {

/// The losses of a training run, kept as a CSV file.
class LossCurve {
  public:
    struct Point {
        std::size_t step;
        double seconds;
        double training_bits;  ///< per character, mean since the point before
        double held_out_bits;  ///< per character
    };

    /// Writes the head of the table, where there is a file. Throws `std::runtime_error` when that cannot be
    /// done.
    explicit LossCurve(std::optional<program::OutputFile> file);

    /// Begins with the points of an earlier run, which are written as those that are added.
    void restore(std::vector<Point> points);
    /// Adds a point to the file. Where the file cannot be written the point is kept, and written with the
    /// next one.
    void add(const Point& point);
    const std::vector<Point>& points() const { return points_; }
    const std::filesystem::path& path() const { return file_.value().path(); }
    /// Returns why the file lacks the last points; empty when it has them.
    const std::string& problem() const { return problem_; }

  private:
    void write() const;
    void try_to_write();

    std::optional<program::OutputFile> file_;
    std::vector<Point> points_;
    std::string problem_;
};

}  // namespace char_rnn
