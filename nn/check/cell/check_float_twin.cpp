#include <fmt/format.h>
#include <autograd/check/check_float.hpp>
#include <autograd/check/judge/saved_parameters.hpp>
#include <nn/check/cell/check_cell.hpp>

#include <exception>

namespace tapeloop::nn::detail {

namespace {

using tapeloop::detail::CheckRandom;

/// From the sequence and the state's offset to the outputs and the final state.
template <class T>
CheckFunction<T> unrolled(const CellUnderCheck<T>& cell) {
    return [&cell](const std::vector<Var<T>>& given) {
        Parts<T> state = cell.layer.initial_state(given.front().shape()[1]);
        for (std::size_t k = 0; k < state.size(); ++k) state[k] = moved(state[k], given.at(k + 1));
        const auto run = unroll(cell.layer, given.front(), state);
        std::vector<Var<T>> results{run.outputs};
        results.insert(results.end(), run.state.begin(), run.state.end());
        return results;
    };
}

template <class T>
CheckInputs<T> inputs_of(const CellUnderCheck<T>& cell, const Tensor<T>& x, const StartingState& start,
                         std::uint64_t seed) {
    CheckInputs<T> inputs{CheckInput<T>("x", x)};
    CheckRandom random(seed);
    const Tape<T> tape;
    std::size_t k = 0;
    for (const Tensor<T>& offset :
         offsets_from(cell.layer.initial_state(x.shape(1)), start, "check_cell", random))
        inputs.add({fmt::format("state[{}]", k++), offset});
    for (std::size_t p = 0; p < cell.parameters.size(); ++p)
        inputs.add({cell.parameter_names[p], *cell.parameters[p].parameter});
    return inputs;
}

CellItem item_of(const GradientReport& report) {
    if (!report.findings.empty())
        return {"float", CellVerdict::failed,
                (report.findings[0].input.empty() ? "" : report.findings[0].input + ": ") +
                    report.findings[0].text};
    if (!report.float_deviation.has_value())
        return {"float", CellVerdict::not_applicable, "not finite in one of both types"};
    return {"float", CellVerdict::passed,
            fmt::format("values and gradients are those of double within {:.1g}", *report.float_deviation)};
}

}  // namespace

void check_float_twin(CellReport& report, const CellUnderCheck<float>& cell,
                      const CellUnderCheck<double>& twin, const Tensor<float>& x,
                      const CellCheckOptions& options) {
    if (!report.passed()) {
        report.items.push_back({"float", CellVerdict::not_applicable, "not tried: it fails in double"});
        return;
    }
    GradientReport found;
    found.seed = report.seed;
    const StartingState start = starting_state(options);
    tapeloop::detail::SavedParameters<float> saved;
    CheckRandom random(report.seed);
    for (const auto& entry : cell.parameters) {
        saved.add(*entry.parameter);
        for (float& element : entry.parameter->update())
            element += static_cast<float>(options.moved_by * (2 * random.uniform() - 1));
    }
    try {
        tapeloop::detail::check_float(found, unrolled(cell), inputs_of(cell, x, start, report.seed),
                                      unrolled(twin),
                                      inputs_of(twin, tapeloop::detail::as_double(x), start, report.seed));
        report.items.push_back(item_of(found));
    } catch (const std::exception& error) {
        report.items.push_back({"float", CellVerdict::failed, error.what()});
    }
}

}  // namespace tapeloop::nn::detail
