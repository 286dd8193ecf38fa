// A wave from its own past: from a piece of a sine curve, which value comes next?
//
// Every piece begins at a place of its own, so the network cannot know the time; it has to read the phase
// from the numbers. The error one step ahead is small for everybody, even for who repeats the last value.
// What was understood shows when a network goes on from its own predictions.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "regression.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

using namespace tapeloop;
using namespace lab;

namespace {

constexpr std::size_t steps = 20;
constexpr double step = 0.15;  // a piece is half a wave

/// `count` values of the sine from `begin` on.
std::vector<double> curve(double begin, std::size_t count) {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(std::sin(begin + static_cast<double>(i) * step));
    return values;
}

Samples draw_pieces(std::size_t count, nn::Generator& generator) {
    Samples samples = Samples::zeros(steps, count, 1);
    for (std::size_t i = 0; i < count; ++i) {
        const std::vector<double> values = curve(generator.uniform(0, 2 * std::numbers::pi), steps + 1);
        for (std::size_t t = 0; t < steps; ++t) samples.x(t, i, 0) = static_cast<float>(values[t]);
        samples.y(i, 0) = static_cast<float>(values[steps]);
    }
    return samples;
}

/// The baseline that goes on as the last two values went.
std::vector<double> straight_on(const Samples& samples) {
    std::vector<double> values = last_values(samples);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] += values[i] - static_cast<double>(samples.x(steps - 2, i, 0));
    return values;
}

/// Reads one piece, then `count` times its own prediction.
std::vector<double> run_free(const Model& model, std::vector<double> values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::vector<double> window(values.end() - steps, values.end());
        Samples one = Samples::zeros(steps, 1, 1);
        for (std::size_t t = 0; t < steps; ++t) one.x(t, 0, 0) = static_cast<float>(window[t]);
        values.push_back(predict(model, one.x)[0]);
    }
    values.erase(values.begin(), values.begin() + steps);
    return values;
}

double root_mean_square(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::sqrt(sum / static_cast<double>(a.size()));
}

std::string number(double error) { return fmt::format("{:.4f}", error); }

/// A piece from 0 on that is read, the curve behind it, and what a network makes of that.
LinePlot free_run_plot(const std::string& name, const std::vector<double>& predictions) {
    std::vector<double> x;
    for (std::size_t i = 0; i < steps + predictions.size(); ++i) x.push_back(step * static_cast<double>(i));
    const std::vector<double> read_x(x.begin(), x.begin() + steps);
    const std::vector<double> free_x(x.begin() + steps, x.end());
    return {name,
            "",
            "",
            {{"truth", x, curve(0, x.size()), Style::wide},
             {"prediction", free_x, predictions, Style::line},
             {"what it read", read_x, curve(0, steps), Style::points}}};
}

int perform(const Options& options) {
    Claims claims(options.quick);
    nn::Generator generator(options.seed);
    const Samples training = draw_pieces(options.steps(500, 64), generator);
    const Samples test = draw_pieces(200, generator);
    const double repeating = error_of(last_values(test), test);
    const std::vector<double> truth = curve(step * steps, 300);

    std::vector<std::vector<std::string>> rows{
        {"the last value again", "0", number(repeating), ""},
        {"straight on", "0", number(error_of(straight_on(test), test)), ""}};
    Figure figure{{}, 1, 900, 260};
    for (Model& model : three_cells(1, 10, generator)) {
        const Losses losses = fit(model, training, {.epochs = options.steps(150, 3)}, generator);
        const double error = error_of(predict(model, test.x), test);
        const std::vector<double> free = run_free(model, curve(0, steps), truth.size());
        rows.push_back({model.name, fmt::format("{}", model.layers.parameters().value_count()), number(error),
                        number(root_mean_square(free, truth))});
        figure.panels.push_back(free_run_plot(model.name, free));
        claims.improves(model.name, losses);
        claims.beats(model.name, error, "repeating the last value", repeating);
    }
    fmt::print(
        "Pieces of {} values of a sine, {} apart, the next one; 10 units each. Root mean squared\n"
        "errors on {} new pieces, and over {} values that were predicted from predictions:\n\n{}\n",
        steps, step, test.size(), truth.size(), table({"", "parameters", "one step", "on its own"}, rows));
    save(figure, options.output / "sine.svg");
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_sine", "Predicts the next value of a sine with three recurrent cells.",
               perform);
}
