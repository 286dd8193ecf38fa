#include <autograd/kernels/as_double.hpp>
#include <autograd/parameter.hpp>
#include <nn/check/cell_runs.hpp>
#include <nn/check/deviation.hpp>
#include <nn/check/in_double.hpp>

#include <algorithm>
#include <array>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

using tapeloop::detail::as_double;
using tapeloop::detail::CheckRandom;

namespace {

/// x from a state that is moved as `start` says, with random cotangents: the same numbers for both types.
template <class T>
Batch<T> batch_for(const CellUnderCheck<T>& cell, const Tensor<T>& x, const StartingState& start) {
    CheckRandom random(1);
    const auto draw = [&](const Shape& shape) {
        Tensor<T> result = uninitialised<T>(shape);
        for (T& element : result) element = static_cast<T>(random.weight());
        return result;
    };
    const Tape<T> tape;
    Batch<T> batch{x, {}, {}, {}};
    const Parts<T> initial = cell.layer.initial_state(x.shape(1));
    const std::vector<Tensor<T>> offsets = offsets_from(initial, start, "in_double", random);
    Parts<T> state;
    for (std::size_t k = 0; k < initial.size(); ++k) {
        state.push_back(moved(initial[k], input(offsets[k])));
        batch.state.push_back(state.back().value());
        batch.state_cotangents.push_back(draw(state.back().shape()));
    }
    batch.output_cotangent = draw(unroll(cell.layer, x, state).outputs.shape());
    return batch;
}

// What a cell that does the same may be off. Other gradients of the same values are a mistake, which is to be
// found and no reason to doubt; unless they have nothing to do with each other.
constexpr double near_values = 1e-2;
constexpr double near_gradients = 0.3;

bool are_near(const Tensors& a, const Tensors& b, double limit) {
    double largest = 0;
    for (const Tensor<double>& one : a) largest = std::max(largest, largest_of(one));
    // What is tiny beside the others may be the rounding of float alone.
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& one, const auto& other) {
        return largest_deviation("", one, other, 1e-3 * largest).relative <= limit;
    });
}

template <class T>
CellRun run_of(const CellUnderCheck<T>& cell, const Tensor<T>& x, const StartingState& start) {
    return CellRuns<T>{cell}.unrolled(batch_for(cell, x, start));
}

Tensors values_of(const CellRun& run) {
    Tensors values = run.state;
    values.push_back(run.outputs);
    return values;
}

Tensors gradients_of(const CellRun& run) {
    Tensors gradients = run.by_state;
    gradients.insert(gradients.end(), run.by_parameter.begin(), run.by_parameter.end());
    gradients.push_back(run.by_x);
    return gradients;
}

/// Distances from the initial state, a far one as well: a limit that a cell has may be reached only there.
constexpr std::array near_and_far{1.0, 16.0};

}  // namespace

std::size_t hidden_size_of(const AnyLayer<float>& layer) {
    const Tape<float> tape;
    const std::vector<Var<float>> state = layer.initial_state(1);
    return state.empty() || state.front().shape().rank() == 0 ? 0 : state.front().shape().back();
}

bool is_twin(const CellUnderCheck<float>& cell, const CellUnderCheck<double>& twin, const Tensor<float>& x,
             const StartingState& start) {
    if (cell.parameter_names != twin.parameter_names) return false;
    for (std::size_t k = 0; k < cell.parameters.size(); ++k) {
        const Parameter<float>& from = *cell.parameters[k].parameter;
        Parameter<double>& to = *twin.parameters[k].parameter;
        if (from.shape() != to.shape()) return false;
        to.assign(as_double(from.value()));
    }
    return std::all_of(near_and_far.begin(), near_and_far.end(), [&](double times) {
        StartingState farther = start;
        farther.moved_by *= times;
        const CellRun one = run_of(cell, x, farther);
        const CellRun other = run_of(twin, as_double(x), farther);
        return are_near(values_of(one), values_of(other), near_values) &&
               are_near(gradients_of(one), gradients_of(other), near_gradients);
    });
}

}  // namespace tapeloop::nn::detail
