// The numbers of a straight line: from a window of them, which comes next?
//
// The first exercise with recurrent networks, and a look at what they cost: part 1 lets the three cells with
// 10 units continue a line beyond what they were trained on, part 2 compares one small, one wide and one deep
// SimpleRNN, whose parameters one can count by hand: a layer with I inputs and H units has H (I + H + 1).
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "regression.hpp"
#include "table.hpp"

#include <fmt/format.h>
#include <nn/cells/elman_cell.hpp>
#include <nn/layers/linear.hpp>
#include <nn/summary.hpp>

using namespace tapeloop;
using namespace lab;

namespace {

/// `first`, `first` + `step`, ... up to `last`, each times `scale`.
std::vector<double> line(double first, double last, double step, double scale = 1) {
    std::vector<double> numbers;
    for (std::size_t i = 0; first + static_cast<double>(i) * step < last + step / 2; ++i)
        numbers.push_back(scale * (first + static_cast<double>(i) * step));
    return numbers;
}

std::string number(double error) { return fmt::format("{:.5f}", error); }

std::size_t size_of(Model& model) { return model.layers.parameters().value_count(); }

/// The continuation that a model makes of part 1.
struct Continuation {
    std::vector<double> predictions;  ///< of 1.6 to 2.9
    double trained;                   ///< error on 1.6 to 2.3
    double beyond;                    ///< error on 2.6 to 2.9
};

/// Trains on windows of 16 numbers from 0 to 2.3 and validates on those from 1.0 to 2.9, all times `scale`.
Continuation continue_line(Model& model, double scale, const Options& options, nn::Generator& generator,
                           Claims& claims) {
    const Samples training = windows(line(0.0, 2.3, 0.1, scale), 16);
    const Samples validation = windows(line(1.0, 2.9, 0.1, scale), 16);
    const Losses losses = fit(model, training, {.epochs = options.steps(3000, 30), .batch = 8}, generator);
    claims.improves(model.name, losses);
    Continuation result{predict(model, windows(line(0.0, 2.9, 0.1, scale), 16).x),
                        error_of(predict(model, training.x), training) / scale,
                        error_of(predict(model, validation.x), validation) / scale};
    for (double& prediction : result.predictions) prediction /= scale;
    return result;
}

/// Part 1: windows of 16 numbers, 0.1 apart. All that is to be said in the validation, 2.6 to 2.9, lies above
/// what was ever said in training. The units are tanh and sigmoid, which bend: fed with the numbers as they
/// are, the networks fit what they saw and fall short beyond. Fed with a tenth of them, all stays where tanh
/// is straight.
void continue_a_line(const Options& options, Claims& claims) {
    const std::vector<double> truth = line(1.6, 2.9, 0.1);
    const Samples validation = windows(line(1.0, 2.9, 0.1), 16);
    const double baseline = error_of(last_values(validation), validation);
    const std::string repeated = number(baseline);

    std::vector<std::vector<std::string>> rows{
        {"the last number again", "0", repeated, repeated, repeated, repeated}};
    Figure figure{{}, 2, 520, 400};
    for (const double scale : {1.0, 0.1}) {
        const bool scaled = scale != 1;
        LinePlot plot{scaled ? "the numbers divided by 10" : "the numbers as they are",
                      "truth",
                      "prediction",
                      {{"truth", truth, truth, Style::wide}}};
        nn::Generator generator(options.seed);
        std::size_t row = 0;
        for (Model& model : three_cells(1, 10, generator)) {
            const Continuation result = continue_line(model, scale, options, generator, claims);
            plot.series.push_back({model.name, truth, result.predictions, Style::line_points});
            if (!scaled) rows.push_back({model.name, fmt::format("{}", size_of(model))});
            rows[++row].push_back(number(result.trained));
            rows[row].push_back(number(result.beyond));
            if (scaled) claims.beats(model.name, result.beyond, "repeating the last number", baseline);
        }
        figure.panels.push_back(plot);
    }
    fmt::print(
        "1. Windows of 16 numbers, the next one; 10 units each. Root mean squared errors on what was\n"
        "   trained on (1.6 to 2.3) and beyond (2.6 to 2.9), of the numbers and of a tenth of them:\n\n{}\n",
        table({"", "parameters", "trained", "beyond", "a tenth: trained", "beyond"}, rows));
    save(figure, options.output / "linear_sequences_16.svg");
}

std::vector<Model> three_sizes(nn::Generator& generator) {
    std::vector<Model> models;
    for (const std::size_t units : {20U, 256U})
        models.push_back({fmt::format("SimpleRNN, {} units", units),
                          nn::Stack<float>(nn::ElmanCell<float>(1, units, generator),
                                           nn::Linear<float>(units, 1, generator))});
    Model deep{"SimpleRNN, 4 layers of 34", {}};
    for (std::size_t layer = 0; layer < 4; ++layer)
        deep.layers.add(nn::ElmanCell<float>(layer == 0 ? 1 : 34, 34, generator));
    deep.layers.add(nn::Linear<float>(34, 1, generator));
    models.push_back(std::move(deep));
    return models;
}

void print_summary(Model& model, const Tensor<float>& x) {
    const Tape<float> tape;
    nn::unroll(model.layers, x);
    fmt::print("{}, reading windows of 3 numbers:\n{}\n", model.name,
               nn::summary(tape, model.layers.parameters()));
}

/// Every fifth sample is held out.
std::pair<Samples, Samples> split(const Samples& samples) {
    const std::size_t steps = samples.x.shape()[0];
    const std::size_t held_out = samples.size() / 5;
    std::pair parts{Samples::zeros(steps, samples.size() - held_out, 1), Samples::zeros(steps, held_out, 1)};
    std::size_t next[2] = {0, 0};
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const bool out = i % 5 == 2;
        Samples& part = out ? parts.second : parts.first;
        const std::size_t place = next[out]++;
        for (std::size_t t = 0; t < steps; ++t) part.x(t, place, 0) = samples.x(t, i, 0);
        part.y(place, 0) = samples.y(i, 0);
    }
    return parts;
}

/// Part 2: 100 windows of 3 numbers, 0.01 apart. The wide network has 144 times as many parameters as the
/// small one.
void compare_sizes(const Options& options, Claims& claims) {
    const auto [training, held_out] = split(windows(line(0.0, 1.02, 0.01), 3));
    const double baseline = error_of(last_values(held_out), held_out);
    std::vector<std::vector<std::string>> rows{{"the last number again", "0", number(baseline)}};
    LinePlot plot{"100 windows of 3, next number: the 20 that were held out",
                  "number to be predicted",
                  "prediction - truth",
                  {}};
    plot.series.push_back({"truth", {0, 1.02}, {0, 0}, Style::wide});

    nn::Generator generator(options.seed);
    for (Model& model : three_sizes(generator)) {
        print_summary(model, training.x);
        const Losses losses =
            fit(model, training, {.epochs = options.steps(300, 3), .batch = 16, .learning_rate = 0.002},
                generator);
        std::vector<double> off = predict(model, held_out.x);
        const double error = error_of(off, held_out);
        for (std::size_t i = 0; i < off.size(); ++i) off[i] -= targets_of(held_out)[i];
        rows.push_back({model.name, fmt::format("{}", size_of(model)), number(error)});
        plot.series.push_back({model.name, targets_of(held_out), off, Style::line_points});
        claims.improves(model.name, losses);
        claims.beats(model.name, error, "repeating the last number", baseline);
    }
    fmt::print("2. 100 windows of 3 numbers, 20 of them held out. Root mean squared errors:\n\n{}\n",
               table({"", "parameters", "held out"}, rows));
    save({{plot}}, options.output / "linear_sequences_3.svg");
}

int perform(const Options& options) {
    Claims claims(options.quick);
    continue_a_line(options, claims);
    fmt::print("\n");
    compare_sizes(options, claims);
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(
        count, arguments, "lab_linear_sequences",
        "Predicts the next number of a straight line with recurrent networks of several kinds and sizes.",
        perform);
}
