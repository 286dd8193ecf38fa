#include "loss_curve.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace char_rnn {

LossCurve::LossCurve(const std::filesystem::path& folder) : path_(folder / "char_rnn_loss.csv") {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!std::filesystem::is_directory(folder, error))
        throw std::invalid_argument(
            fmt::format("--output {}: cannot be made a folder; give another one", folder.string()));
    try {
        write();
    } catch (const std::runtime_error&) {
        throw std::invalid_argument(
            fmt::format("--output {}: cannot be written to; give a folder that can", folder.string()));
    }
}

void LossCurve::add(const Point& point) {
    points_.push_back(point);
    write();
}

void LossCurve::write() const {
    std::filesystem::path beside = path_;
    beside += ".part";
    std::ofstream file(beside);
    file << "step,seconds,training_bits_per_character,held_out_bits_per_character\n";
    for (const Point& point : points_)
        file << fmt::format("{},{:.2f},{:.5f},{:.5f}\n", point.step, point.seconds, point.training_bits,
                            point.held_out_bits);
    file.close();
    std::error_code error;
    if (file) std::filesystem::rename(beside, path_, error);
    if (!file || error) throw std::runtime_error(fmt::format("{}: cannot be written", path_.string()));
}

}  // namespace char_rnn
