#pragma once

#include "training.hpp"

#include <autograd/tensor.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/stack.hpp>

#include <string>
#include <vector>

/// Many to one: a network reads a sequence and gives one number at its end.
namespace lab {

/// N sequences of T steps with F features, and the number that belongs to each.
struct Samples {
    tapeloop::Tensor<float> x;  ///< [T, N, F]
    tapeloop::Tensor<float> y;  ///< [N, 1]

    static Samples zeros(std::size_t steps, std::size_t count, std::size_t features);
    std::size_t size() const { return y.size(); }
};

/// Windows of `steps` numbers that lie in `series` one behind the other, each with the number that follows.
Samples windows(const std::vector<double>& series, std::size_t steps);

struct Model {
    std::string name;
    tapeloop::nn::Stack<float> layers;
};

/// SimpleRNN (Elman), LSTM and GRU with equally many units, a `Linear` to one number on each.
std::vector<Model> three_cells(std::size_t features, std::size_t units, tapeloop::nn::Generator& generator);

struct FitOptions {
    std::size_t epochs = 100;
    std::size_t batch = 32;
    double learning_rate = 0.01;  ///< the first, as in `TrainingOptions`
};

/// Lowers the mean squared error with Adam on shuffled batches.
Losses fit(Model& model, const Samples& samples, const FitOptions& options,
           tapeloop::nn::Generator& generator);

/// One number for each sequence of x [T, N, F].
std::vector<double> predict(const Model& model, const tapeloop::Tensor<float>& x);

/// The square root of the mean squared error.
double error_of(const std::vector<double>& predictions, const Samples& samples);

std::vector<double> targets_of(const Samples& samples);
/// The baseline "it stays as it is": the first feature of each sequence's last step.
std::vector<double> last_values(const Samples& samples);

}  // namespace lab
