// What a gate is for: some elements of a sequence are to be kept, the others to be passed over.
//
// Each element of a piece of a sine has a random index as its second feature. Wanted is the mean of the
// elements whose index is even, so the network has to decide at every step whether to take what it sees into
// its sum, and to carry that sum unharmed to the end. A gate does both; a SimpleRNN squeezes its whole state
// through tanh at every step.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "regression.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

using namespace tapeloop;
using namespace lab;

namespace {

constexpr std::size_t steps = 40;
constexpr std::size_t indices = 4;  // 0, 1, 2, 3

Samples draw_pieces(std::size_t count, nn::Generator& generator) {
    Samples samples = Samples::zeros(steps, count, 2);
    for (std::size_t i = 0; i < count; ++i) {
        const double begin = generator.uniform(0, 2 * std::numbers::pi);
        double sum = 0;
        double chosen = 0;
        for (std::size_t t = 0; t < steps; ++t) {
            const double value = std::sin(begin + 0.1 * static_cast<double>(t));
            const std::size_t index = generator.below(indices);
            samples.x(t, i, 0) = static_cast<float>(value);
            samples.x(t, i, 1) = static_cast<float>(index);
            if (index % 2 == 1) continue;
            sum += value;
            chosen += 1;
        }
        samples.y(i, 0) = static_cast<float>(sum / std::max(chosen, 1.0));
    }
    return samples;
}

/// The baseline that always says the same: the mean of the training targets.
std::vector<double> constant(const Samples& training, const Samples& test) {
    const std::vector<double> targets = targets_of(training);
    const double mean =
        std::accumulate(targets.begin(), targets.end(), 0.0) / static_cast<double>(targets.size());
    return std::vector<double>(test.size(), mean);
}

/// The baseline that does not look at the index: the mean of all elements.
std::vector<double> means(const Samples& samples) {
    std::vector<double> result(samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i)
        for (std::size_t t = 0; t < steps; ++t)
            result[i] += static_cast<double>(samples.x(t, i, 0)) / static_cast<double>(steps);
    return result;
}

LinePlot against_truth(const std::string& name, const Samples& test, const std::vector<double>& predictions) {
    return {name,
            "truth",
            "prediction",
            {{"truth", {-0.8, 0.8}, {-0.8, 0.8}, Style::wide},
             {"prediction", targets_of(test), predictions, Style::points}}};
}

int perform(const Options& options) {
    Claims claims(options.quick);
    nn::Generator generator(options.seed);
    const Samples training = draw_pieces(options.steps(2000, 64), generator);
    const Samples test = draw_pieces(500, generator);
    const double baseline = error_of(means(test), test);

    std::vector<std::vector<std::string>> rows{
        {"always the same", "0", fmt::format("{:.4f}", error_of(constant(training, test), test))},
        {"mean of all elements", "0", fmt::format("{:.4f}", baseline)}};
    Figure figure{{against_truth("mean of all elements", test, means(test))}, 2, 480, 420};
    std::vector<double> errors;
    for (Model& model : three_cells(2, 20, generator)) {
        const Losses losses = fit(model, training, {.epochs = options.steps(200, 2)}, generator);
        const std::vector<double> predictions = predict(model, test.x);
        errors.push_back(error_of(predictions, test));
        rows.push_back({model.name, fmt::format("{}", model.layers.parameters().value_count()),
                        fmt::format("{:.4f}", errors.back())});
        figure.panels.push_back(against_truth(model.name, test, predictions));
        claims.improves(model.name, losses);
    }
    fmt::print(
        "Pieces of {} values of a sine, each with an index from 0 to {}: the mean of those with an even\n"
        "index; 20 units each. Root mean squared errors on {} new pieces:\n\n{}\n",
        steps, indices - 1, test.size(), table({"", "parameters", "error"}, rows));
    save(figure, options.output / "memory.svg");

    const double simple = errors[0];
    for (const auto& [name, error] : {std::pair{"LSTM", errors[1]}, {"GRU", errors[2]}}) {
        claims.beats(name, error, "the mean of all elements", baseline);
        claims.beats(name, error, "SimpleRNN", simple);
    }
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(
        count, arguments, "lab_memory",
        "Predicts the mean of those elements of a sequence whose index is even, with three recurrent cells.",
        perform);
}
