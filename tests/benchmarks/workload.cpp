#include "workload.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace tapeloop::benchmarks {

namespace {

// std::uniform_real_distribution differs between standard libraries; these bits do not.
Floats uniform(Index count, float bound, std::mt19937& random) {
    Floats values(static_cast<std::size_t>(count));
    for (float& value : values) {
        const float unit = static_cast<float>(random() >> 8U) * 0x1p-24F;
        value = bound * (2.0F * unit - 1.0F);
    }
    return values;
}

double relative_difference(const Floats& reference, const Floats& other) {
    if (reference.size() != other.size()) return std::numeric_limits<double>::infinity();
    double largest = 0;
    double scale = 0;
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const double difference = std::abs(static_cast<double>(reference[i]) - static_cast<double>(other[i]));
        if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
        largest = std::max(largest, difference);
        scale = std::max(scale, std::abs(static_cast<double>(reference[i])));
    }
    return scale > 0 ? largest / scale : largest;
}

double sum_of_squares(const Floats& values) {
    double sum = 0;
    for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
    return sum;
}

}  // namespace

std::string name_of(CellKind cell) {
    switch (cell) {
        case CellKind::elman:
            return "elman";
        case CellKind::gru:
            return "gru";
        case CellKind::lstm:
            return "lstm";
    }
    return "unknown";
}

Index gate_count(CellKind cell) {
    switch (cell) {
        case CellKind::elman:
            return 1;
        case CellKind::gru:
            return 3;
        case CellKind::lstm:
            return 4;
    }
    return 0;
}

Problem make_problem(CellKind cell, Size size, std::uint32_t seed) {
    std::mt19937 random(seed);
    const Index hidden = size.hidden;
    const Index width = gate_count(cell) * hidden;
    const float bound = 1.0F / std::sqrt(static_cast<float>(hidden));
    Problem problem{cell, size, {}, {}, {}, {}, {}};
    problem.x = uniform(size.steps * size.batch * hidden, 1.0F, random);
    problem.U = uniform(hidden * width, bound, random);
    problem.W = uniform(hidden * width, bound, random);
    problem.b = uniform(width, bound, random);
    if (cell == CellKind::gru) problem.b_recurrent = uniform(hidden, bound, random);
    return problem;
}

Difference largest_difference(const Results& reference, const Results& other) {
    const double loss = std::abs(reference.loss - other.loss) / std::abs(reference.loss);
    const Difference all[] = {
        {std::isnan(loss) ? std::numeric_limits<double>::infinity() : loss, "loss"},
        {relative_difference(reference.dX, other.dX), "dX"},
        {relative_difference(reference.dU, other.dU), "dU"},
        {relative_difference(reference.dW, other.dW), "dW"},
        {relative_difference(reference.db, other.db), "db"},
        {relative_difference(reference.db_recurrent, other.db_recurrent), "db_recurrent"},
    };
    return *std::max_element(std::begin(all), std::end(all),
                             [](const Difference& a, const Difference& b) { return a.value < b.value; });
}

float visible_learning_rate(const Results& results) {
    const double squared_norm = sum_of_squares(results.dU) + sum_of_squares(results.dW) +
                                sum_of_squares(results.db) + sum_of_squares(results.db_recurrent);
    return static_cast<float>(0.1 * results.loss / squared_norm);
}

}  // namespace tapeloop::benchmarks
