#include "regression.hpp"

#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/losses.hpp>
#include <nn/sequence/last_outputs.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace lab {

using namespace tapeloop;

namespace {

/// The network reads all steps, and only its last output counts.
Var<float> run_model(const Model& model, const Tensor<float>& x) {
    return nn::last_outputs(nn::unroll(model.layers, x).outputs);
}

Samples chosen(const Samples& all, std::span<const std::size_t> which) {
    const std::size_t steps = all.x.shape()[0];
    const std::size_t features = all.x.shape()[2];
    Samples some = Samples::zeros(steps, which.size(), features);
    for (std::size_t i = 0; i < which.size(); ++i) {
        some.y(i, 0) = all.y(which[i], 0);
        for (std::size_t t = 0; t < steps; ++t)
            for (std::size_t f = 0; f < features; ++f) some.x(t, i, f) = all.x(t, which[i], f);
    }
    return some;
}

void shuffle(std::vector<std::size_t>& order, nn::Generator& generator) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[generator.below(i)]);
}

}  // namespace

Samples Samples::zeros(std::size_t steps, std::size_t count, std::size_t features) {
    return {nn::zeros<float>({steps, count, features}), nn::zeros<float>({count, 1})};
}

Samples windows(const std::vector<double>& series, std::size_t steps) {
    Samples samples = Samples::zeros(steps, series.size() - steps, 1);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        for (std::size_t t = 0; t < steps; ++t) samples.x(t, i, 0) = static_cast<float>(series[i + t]);
        samples.y(i, 0) = static_cast<float>(series[i + steps]);
    }
    return samples;
}

std::vector<Model> three_cells(std::size_t features, std::size_t units, nn::Generator& generator) {
    std::vector<Model> models;
    const auto add = [&](const char* name, auto cell) {
        models.push_back({name, nn::Stack<float>(std::move(cell), nn::Linear<float>(units, 1, generator))});
    };
    add("SimpleRNN", nn::ElmanCell<float>(features, units, generator));
    add("LSTM", nn::LstmCell<float>(features, units, generator));
    add("GRU", nn::GruCell<float>(features, units, generator));
    return models;
}

Losses fit(Model& model, const Samples& samples, const FitOptions& options, nn::Generator& generator) {
    const std::size_t batches = (samples.size() + options.batch - 1) / options.batch;
    std::vector<std::size_t> order(samples.size());
    std::iota(order.begin(), order.end(), 0);
    std::size_t begin = samples.size();
    const auto loss_of_next_batch = [&] {
        if (begin >= samples.size()) {
            shuffle(order, generator);
            begin = 0;
        }
        const std::size_t count = std::min(options.batch, order.size() - begin);
        const Samples batch = chosen(samples, std::span(order).subspan(begin, count));
        begin += count;
        return nn::mean_squared_error(run_model(model, batch.x), batch.y);
    };
    return train(model.layers.parameters(),
                 {.steps = options.epochs * batches, .learning_rate = options.learning_rate},
                 loss_of_next_batch);
}

std::vector<double> predict(const Model& model, const Tensor<float>& x) {
    const Tape<float> tape;
    const Paused<float> no_gradients;
    const Tensor<float> predictions = run_model(model, x).value();
    return {predictions.begin(), predictions.end()};
}

double error_of(const std::vector<double>& predictions, const Samples& samples) {
    double sum = 0;
    for (std::size_t i = 0; i < samples.size(); ++i)
        sum += std::pow(predictions[i] - static_cast<double>(samples.y(i, 0)), 2);
    return std::sqrt(sum / static_cast<double>(samples.size()));
}

std::vector<double> targets_of(const Samples& samples) { return {samples.y.begin(), samples.y.end()}; }

std::vector<double> last_values(const Samples& samples) {
    std::vector<double> values;
    const std::size_t last = samples.x.shape()[0] - 1;
    for (std::size_t i = 0; i < samples.size(); ++i)
        values.push_back(static_cast<double>(samples.x(last, i, 0)));
    return values;
}

}  // namespace lab
