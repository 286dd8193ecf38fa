#include <fmt/format.h>
#include <nn/files/checkpoint/saved.hpp>
#include <optim/weight_average.hpp>

#include <memory>
#include <stdexcept>

namespace tapeloop::nn::detail {

using optim::AverageStart;
using optim::WeightAverageState;

namespace {

std::string start_name(AverageStart start) {
    switch (start) {
        case AverageStart::first_weights:
            return "first_weights";
        case AverageStart::bias_correction:
            return "bias_correction";
        case AverageStart::warm_up:
            break;
    }
    return "warm_up";
}

std::string average_name(const std::string& path) { return "weights/" + path; }

template <class T>
void collect_state(WeightAverageState<T> state, Collected& out) {
    out.text("decay", fmt::format("{}", state.options.decay));
    out.text("start", start_name(state.options.start));
    out.number("updates", state.updates);
    for (auto& [path, average] : state.entries) out.keep(average_name(path), std::move(average));
}

template <class T>
void read_state(WeightAverageState<T>& state, Comparison& saved) {
    saved.require_option("decay", state.options.decay);
    saved.require_option("start", start_name(state.options.start));
    state.updates = saved.number<std::uint64_t>("updates").value_or(0);
    for (auto& [path, average] : state.entries)
        if (const auto* tensor = saved.tensor<T>(average_name(path), shape_of(average))) average = *tensor;
}

}  // namespace

template <class T>
Saved saved_average(optim::WeightAverage<T>& average) {
    const auto collect = [&average](Collected& out) { collect_state(average.state(), out); };
    const auto compare = [&average](Comparison& saved) -> Takeover {
        const auto state = std::make_shared<WeightAverageState<T>>(average.state());
        read_state(*state, saved);
        if (!saved.is_same()) return {};
        try {
            average.require_fits(*state);
        } catch (const std::invalid_argument& error) {
            saved.differ(fmt::format("{}: {}", saved.shown(""), error.what()));
        }
        return [&average, state] { average.restore(*state); };
    };
    return {"weight average", collect, compare};
}

template Saved saved_average(optim::WeightAverage<float>&);
template Saved saved_average(optim::WeightAverage<double>&);

}  // namespace tapeloop::nn::detail
