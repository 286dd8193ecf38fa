#include <fmt/format.h>
#include <nn/files/checkpoint/saved.hpp>
#include <optim/optimizer.hpp>

#include <memory>
#include <stdexcept>

namespace tapeloop::nn::detail {

using optim::OptimizerState;

namespace {

std::string running_name(std::size_t k, const std::string& path) {
    return fmt::format("running{}/{}", k, path);
}

template <class T>
void collect_state(OptimizerState<T> state, Collected& out) {
    out.text("optimizer", state.optimizer);
    for (const auto& [option, value] : state.options) out.text(option, fmt::format("{}", value));
    out.number("steps", state.steps);
    out.number("learning_rate", state.learning_rate);
    for (auto& [path, running] : state.entries)
        for (std::size_t k = 0; k < running.size(); ++k)
            out.keep(running_name(k, path), std::move(running[k]));
}

/// Puts what was saved into `state`, that of the optimizer as it is now.
template <class T>
void read_state(OptimizerState<T>& state, Comparison& saved) {
    saved.require_option("optimizer", state.optimizer);
    if (!saved.is_same()) return saved.settle();
    for (const auto& [option, value] : state.options) saved.require_option(option, value);
    state.steps = saved.number<std::uint64_t>("steps").value_or(0);
    state.learning_rate = saved.number<double>("learning_rate").value_or(0);
    for (auto& [path, running] : state.entries)
        for (std::size_t k = 0; k < running.size(); ++k)
            if (const auto* tensor = saved.tensor<T>(running_name(k, path), shape_of(running[k])))
                running[k] = *tensor;
}

}  // namespace

template <class T>
Saved saved_optimizer(optim::Optimizer<T>& optimizer) {
    const auto collect = [&optimizer](Collected& out) { collect_state(optimizer.state(), out); };
    const auto compare = [&optimizer](Comparison& saved) -> Takeover {
        const auto state = std::make_shared<OptimizerState<T>>(optimizer.state());
        read_state(*state, saved);
        if (!saved.is_same()) return {};
        try {
            optimizer.require_fits(*state);
        } catch (const std::invalid_argument& error) {
            saved.differ(fmt::format("{}: {}", saved.shown(""), error.what()));
        }
        return [&optimizer, state] { optimizer.restore(std::move(*state)); };
    };
    return {"optimizer", collect, compare};
}

template Saved saved_optimizer(optim::Optimizer<float>&);
template Saved saved_optimizer(optim::Optimizer<double>&);

}  // namespace tapeloop::nn::detail
