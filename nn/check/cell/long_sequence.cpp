#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <nn/check/cell/cell_gradients.hpp>
#include <nn/check/cell/long_sequence.hpp>

#include <cmath>
#include <optional>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

// What happens every eighth step happens twice, and what begins at the sixth goes on for a while.
constexpr std::size_t many_steps = 20;

/// Rows of a batch that go on: its time steps again and again, in another order.
template <class T>
Batch<T> prolonged(const CellRuns<T>& runs, const Batch<T>& batch) {
    tapeloop::detail::CheckRandom random(batch.time_steps());
    std::vector<std::size_t> steps = range(0, batch.time_steps());
    while (steps.size() < many_steps) steps.push_back(random.next() % batch.time_steps());
    return runs.part(batch, steps, {0, 1});
}

bool is_finite(const CellRun& run) {
    const auto holds = [](const Tensors& tensors) {
        for (const Tensor<double>& tensor : tensors)
            for (double element : tensor)
                if (!std::isfinite(element)) return false;
        return true;
    };
    return holds({run.outputs, run.by_x}) && holds(run.state) && holds(run.by_state) &&
           holds(run.by_parameter);
}

}  // namespace

template <class T>
Found long_sequence(const CellRuns<T>& runs, const Batch<T>& batch, const CheckOptions& options) {
    if (batch.time_steps() >= many_steps)
        return {CellVerdict::not_applicable, fmt::format("x has {} time steps itself", batch.time_steps())};
    const Batch<T> longer = prolonged(runs, batch);
    std::optional<CellRun> run;
    try {
        run = runs.unrolled(longer);
    } catch (const std::exception& error) {
        return {CellVerdict::not_applicable,
                fmt::format("it takes no {} time steps: {}", many_steps, error.what())};
    }
    if (!is_finite(*run))
        return {CellVerdict::not_applicable,
                fmt::format("values or gradients are not finite any more after {} time steps", many_steps)};
    if (runs.cell.has_step) {
        const std::string apart =
            runs.difference(*run, runs.stepped(longer), {"by unroll", "step by step"}, way_rounding<T>);
        if (!apart.empty())
            return judged(fmt::format("of {} time steps, {}", many_steps, apart), "",
                          "the cell does something else from some step on, or every so many steps");
    }
    const std::string wrong = wrong_along_directions(runs, longer, options);
    if (!wrong.empty())
        return {CellVerdict::failed,
                fmt::format("{}; over {} time steps everything agrees: this begins later, or comes every so "
                            "many steps",
                            wrong, batch.time_steps())};
    return {CellVerdict::passed,
            fmt::format("{} time steps: gradients agree with differences along directions{}", many_steps,
                        runs.cell.has_step ? ", and unroll with single steps" : "")};
}

template Found long_sequence(const CellRuns<float>&, const Batch<float>&, const CheckOptions&);
template Found long_sequence(const CellRuns<double>&, const Batch<double>&, const CheckOptions&);

}  // namespace tapeloop::nn::detail
