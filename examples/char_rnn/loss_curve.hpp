#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace char_rnn {

/// The losses of a training run, kept as a CSV file. The file is written beside its place and renamed, so
/// that whoever reads it meanwhile never sees half of one.
class LossCurve {
  public:
    struct Point {
        std::size_t step;
        double seconds;
        double training_bits;  ///< per character, mean since the point before
        double held_out_bits;  ///< per character
    };

    /// Makes the folder if need be and writes the head of the table. Throws `std::invalid_argument` when that
    /// cannot be done.
    explicit LossCurve(const std::filesystem::path& folder);

    void add(const Point& point);
    const std::vector<Point>& points() const { return points_; }
    const std::filesystem::path& path() const { return path_; }

  private:
    void write() const;

    std::filesystem::path path_;
    std::vector<Point> points_;
};

}  // namespace char_rnn
