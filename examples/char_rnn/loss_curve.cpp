#include "loss_curve.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace char_rnn {

LossCurve::LossCurve(std::optional<program::OutputFile> file) : file_(std::move(file)) { write(); }

void LossCurve::restore(std::vector<Point> points) {
    points_ = std::move(points);
    try_to_write();
}

void LossCurve::add(const Point& point) {
    points_.push_back(point);
    try_to_write();
}

void LossCurve::try_to_write() {
    try {
        write();
        problem_.clear();
    } catch (const std::runtime_error& error) {
        problem_ = error.what();
    }
}

void LossCurve::write() const {
    if (!file_) return;
    std::string text = "step,seconds,training_bits_per_character,held_out_bits_per_character\n";
    for (const Point& point : points_)
        text += fmt::format("{},{:.2f},{:.5f},{:.5f}\n", point.step, point.seconds, point.training_bits,
                            point.held_out_bits);
    file_->write(text);
}

}  // namespace char_rnn
