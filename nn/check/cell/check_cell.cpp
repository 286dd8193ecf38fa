#include <fmt/format.h>
#include <autograd/check/check_gradient.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/saved_parameters.hpp>
#include <nn/check/cell/cell_items.hpp>
#include <nn/check/cell/check_cell.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

template <class T>
void move_parameters(const ParameterEntries<T>& parameters, double by, CheckRandom& random) {
    for (const auto& entry : parameters)
        for (T& element : entry.parameter->update())
            element += static_cast<T>(by * (2 * random.uniform() - 1));
}

/// The options of the gradients, with seed and order.
CheckOptions settled(const CellCheckOptions& options) {
    CheckOptions gradient = options.gradient;
    gradient.order = options.order;
    gradient.seed = options.seed;
    gradient.seed = tapeloop::detail::seed_of(gradient);
    return gradient;
}

/// Leaves what the cell itself does wrong in its initial state to the items.
template <class T>
void require_start(const CellUnderCheck<T>& cell, std::size_t batch, const StartingState& start) {
    std::vector<Shape> shapes;
    try {
        const Tape<T> tape;
        shapes = shapes_of(cell.layer.initial_state(batch));
    } catch (...) {
        return;
    }
    nn::detail::require_start(shapes, start, "check_cell");
}

template <class T>
CellReport check(CellUnderCheck<T>& cell, const Tensor<T>& x, const CellCheckOptions& options) {
    if (x.dimension() != 3 || x.shape(0) < 3 || x.shape(1) < 2 || x.shape(2) == 0)
        throw std::invalid_argument(
            fmt::format("check_cell: x is {}; it must be [T, B, I] with at least 3 time steps, "
                        "2 rows and 1 input, or mistakes of order stay hidden",
                        shape_of(x).text()));
    CellReport report;
    const CheckOptions gradient = settled(options);
    report.seed = *gradient.seed;
    report.time_steps = x.shape(0);
    report.batch = x.shape(1);
    report.inputs = x.shape(2);
    report.in_double = sizeof(T) == sizeof(double);
    if (!report.in_double)
        report.warnings.emplace_back(
            "checked in float, which is good to about two digits: check the cell in double if you can, "
            "as a template of its type, C<double>");
    const StartingState start = starting_state(options);
    require_start(cell, x.shape(1), start);
    tapeloop::detail::SavedParameters<T> saved;
    for (const auto& entry : cell.parameters) saved.add(*entry.parameter);
    CheckRandom random(report.seed);
    move_parameters<T>(cell.parameters, options.moved_by, random);
    CellItems<T>(report, cell, x, start, gradient).run();
    return report;
}

}  // namespace

StartingState starting_state(const CellCheckOptions& options) {
    return {options.random_initial_state, options.state_moved_by, options.initial_state};
}

CellReport check_layer(CellUnderCheck<float> cell, const Tensor<float>& x, const CellCheckOptions& options) {
    return check(cell, x, options);
}
CellReport check_layer(CellUnderCheck<double> cell, const Tensor<double>& x,
                       const CellCheckOptions& options) {
    return check(cell, x, options);
}

template <class T>
Tensor<T> sequence_for(std::size_t input_size, const CellCheckOptions& options) {
    CheckRandom random(*settled(options).seed + 1);
    Tensor<T> x = uninitialised<T>({options.time_steps, options.batch, input_size});
    const std::size_t step = options.batch * input_size;
    for (std::size_t t = 0; t < options.time_steps; ++t)
        draw_rows<T>({x.data() + t * step, step}, input_size, 1, random);
    return x;
}
template Tensor<float> sequence_for(std::size_t, const CellCheckOptions&);
template Tensor<double> sequence_for(std::size_t, const CellCheckOptions&);

}  // namespace tapeloop::nn::detail
