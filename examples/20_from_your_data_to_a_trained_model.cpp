// From your data to a trained model: minibatches, shuffling, validation, early stopping, the best weights, a
// CSV log. The data are rows of different lengths, each with a label; put yours in place of `your_rows`.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <span>

using namespace tapeloop;

struct Row {
    std::vector<float> values;
    std::ptrdiff_t label;
};

/// Makes rows of noisy series, labelled by whether they rise more often than they fall.
std::vector<Row> your_rows(nn::Generator& generator) {
    std::vector<Row> rows(700);
    for (Row& row : rows) {
        row.label = static_cast<std::ptrdiff_t>(generator.below(2));
        double value = 0;
        row.values.resize(10 + generator.below(20));
        for (float& x : row.values) {
            value += generator.uniform() < (row.label == 1 ? 0.65 : 0.35) ? 0.3 : -0.3;
            x = static_cast<float>(value + 0.2 * generator.normal());
        }
    }
    return rows;
}

/// The data that `unroll` takes: rows side by side, padded at their ends.
struct Batch {
    Tensor<float> x;                   // [T, B, 1]
    std::vector<std::size_t> lengths;  // of B rows
    nn::Targets labels;                // [B]
};

Batch batch_of(const std::vector<Row>& rows, std::span<const std::size_t> picked) {
    Batch batch{{}, {}, nn::Targets::from_shape({picked.size()})};
    for (const std::size_t i : picked) batch.lengths.push_back(rows[i].values.size());
    batch.x = nn::zeros<float>({*std::ranges::max_element(batch.lengths), picked.size(), 1});
    for (std::size_t b = 0; b < picked.size(); ++b) {
        const Row& row = rows[picked[b]];
        batch.labels[b] = row.label;
        for (std::size_t t = 0; t < row.values.size(); ++t) batch.x(t, b, 0) = row.values[t];
    }
    return batch;
}

struct Model {
    nn::GruCell<float> cell;
    nn::Linear<float> output;

    Var<float> loss(const Batch& batch) const {
        const auto read = nn::unroll(cell, batch.x, {.lengths = batch.lengths});
        return nn::softmax_cross_entropy(output(read.state), batch.labels);
    }
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

int main(int count, char** arguments) {
    const std::filesystem::path log_path =
        count > 1 ? arguments[1] : std::filesystem::temp_directory_path() / "tapeloop_training_log.csv";
    constexpr std::size_t batch_size = 32;
    constexpr int patience = 5;  // epochs without a better validation loss

    nn::Generator generator(1);
    const std::vector<Row> rows = your_rows(generator);
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), 0);
    const auto shuffle = [&](std::span<std::size_t> part) {
        for (std::size_t i = part.size(); i > 1; --i) std::swap(part[i - 1], part[generator.below(i)]);
    };
    shuffle(order);  // before the split, in case the rows are sorted
    const std::span<std::size_t> training = std::span(order).first(rows.size() * 4 / 5);
    const Batch validation = batch_of(rows, std::span(order).subspan(training.size()));

    Model model{nn::GruCell<float>(1, 16, generator), nn::Linear<float>(16, 2, generator)};
    const ParameterList<float> parameters = model.parameters();
    optim::Adam<float> adam(parameters, {.learning_rate = 0.01});
    std::ofstream log(log_path);
    log << "epoch,training_loss,validation_loss\n";

    double best_loss = std::numeric_limits<double>::infinity();
    const auto weights = [&] {
        std::vector<Tensor<float>> copies;
        for (const auto& entry : parameters) copies.push_back(entry.parameter->value());
        return copies;
    };
    std::vector<Tensor<float>> best = weights();
    for (int epoch = 1, best_epoch = 1; epoch <= 50 && epoch - best_epoch <= patience; ++epoch) {
        shuffle(training);
        double training_loss = 0;
        for (std::size_t begin = 0; begin < training.size(); begin += batch_size) {
            const auto picked = training.subspan(begin, std::min(batch_size, training.size() - begin));
            const Tape<float> tape;
            const Var<float> J = model.loss(batch_of(rows, picked));
            Gradients<float> gradients = gradient(J, parameters);
            optim::clip_by_norm(gradients, 1.0);
            adam.step(gradients);
            training_loss +=
                J.item() * static_cast<double>(picked.size()) / static_cast<double>(training.size());
        }
        const Tape<float> tape;
        const Paused<float> no_gradients;  // nothing is kept for a sweep
        const double loss = model.loss(validation).item();
        log << fmt::format("{},{:.5f},{:.5f}\n", epoch, training_loss, loss) << std::flush;
        fmt::print("epoch {:2}: training {:.4f}, validation {:.4f}\n", epoch, training_loss, loss);
        if (!(loss < best_loss)) continue;
        best_loss = loss;
        best_epoch = epoch;
        best = weights();
    }
    for (std::size_t i = 0; i < best.size(); ++i) parameters[i].parameter->assign(best[i]);

    const Tape<float> tape;
    const bool restored = model.loss(validation).item() == static_cast<float>(best_loss);
    fmt::print("The best validation loss, {:.4f}, is that of the weights that the model has now.\nLog: {}\n",
               best_loss, log_path.string());
    return restored && best_loss < 0.5 && log.good() ? 0 : 1;
}
