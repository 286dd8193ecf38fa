#include <autograd/kernels/as_double.hpp>
#include <autograd/parameter.hpp>
#include <nn/check/cell/cell_run.hpp>
#include <nn/check/deviation.hpp>
#include <nn/check/in_double.hpp>
#include <nn/check/start.hpp>

#include <algorithm>
#include <array>

namespace tapeloop::nn::detail {

using tapeloop::detail::as_double;
using tapeloop::detail::CheckRandom;

namespace {

/// x from a random state of up to `size`, with random cotangents: the same numbers for both types.
template <class T>
Batch<T> batch_for(const AnyLayer<T>& layer, const Tensor<T>& x, double size) {
    CheckRandom random(1);
    const auto draw = [&](const Shape& shape) {
        Tensor<T> result = uninitialised<T>(shape);
        for (T& element : result) element = static_cast<T>(random.weight());
        return result;
    };
    const Tape<T> tape;
    Batch<T> batch{x, {}, {}, {}};
    std::vector<Var<T>> state;
    for (const Var<T>& part : layer.initial_state(x.shape(1))) {
        const Tensor<T> offset = random_offset<T>(part.shape(), random) * static_cast<T>(2 * size);
        state.push_back(moved(part, input(offset)));
        batch.state.push_back(state.back().value());
        batch.state_cotangents.push_back(draw(state.back().shape()));
    }
    batch.output_cotangent = draw(unroll(layer, x, state).outputs.shape());
    return batch;
}

bool are_near(const Tensors& a, const Tensors& b) {
    double largest = 0;
    for (const Tensor<double>& one : a) largest = std::max(largest, largest_of(one));
    // What is tiny beside the others may be the rounding of float alone.
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [largest](const auto& one, const auto& other) {
        return largest_deviation("", one, other, 1e-3 * largest).relative <= 1e-2;
    });
}

template <class T>
CellRun run_of(AnyLayer<T>& layer, const Tensor<T>& x, double size) {
    return CheckedCell<T>{layer, true, {}, {}, {}}.unrolled(batch_for(layer, x, size));
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

/// Far from the initial state as well: a limit that a cell has may be reached only there.
constexpr std::array near_and_far{0.5, 8.0};

}  // namespace

std::size_t hidden_size_of(const AnyLayer<float>& layer) {
    const Tape<float> tape;
    const std::vector<Var<float>> state = layer.initial_state(1);
    return state.empty() || state.front().shape().rank() == 0 ? 0 : state.front().shape().back();
}

bool is_twin(AnyLayer<float>& layer, AnyLayer<double>& twin, const Tensor<float>& x) {
    const ParameterList<float> from = layer.parameters();
    const ParameterList<double> to = twin.parameters();
    if (from.size() != to.size()) return false;
    for (std::size_t k = 0; k < from.size(); ++k) {
        if (from[k].path != to[k].path || from[k].parameter->shape() != to[k].parameter->shape())
            return false;
        to[k].parameter->assign(as_double(from[k].parameter->value()));
    }
    return std::all_of(std::begin(near_and_far), std::end(near_and_far), [&](double size) {
        const CellRun one = run_of(layer, x, size);
        const CellRun other = run_of(twin, as_double(x), size);
        return are_near(values_of(one), values_of(other)) && are_near(gradients_of(one), gradients_of(other));
    });
}

}  // namespace tapeloop::nn::detail
