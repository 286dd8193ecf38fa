#include <fmt/format.h>
#include <optim/optimizer.hpp>
#include <optim/require.hpp>

#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

namespace {

double checked_rate(std::string_view name, double rate) {
    require_not_negative(name, "learning_rate", rate);
    return rate;
}

template <class T>
void require_same(std::string_view name, const Slot<T>& slot,
                  const typename OptimizerState<T>::Entry& entry) {
    if (entry.path != slot.path)
        throw std::invalid_argument(
            fmt::format("{}: the state has '{}' where the optimizer has '{}'; the "
                        "parameters must be the same, in the same order",
                        name, entry.path, slot.path));
    if (entry.running.size() != slot.running.size())
        throw std::invalid_argument(
            fmt::format("{}: the state keeps {} tensors for '{}' and the optimizer {}; their options differ",
                        name, entry.running.size(), slot.path, slot.running.size()));
    for (const Tensor<T>& tensor : entry.running) {
        if (shape_of(tensor) != slot.shape)
            throw std::invalid_argument(
                fmt::format("{}: parameter '{}' is {} and its tensor in the state {}; they must have the "
                            "same shape",
                            name, slot.path, slot.shape.text(), shape_of(tensor).text()));
        if (const std::size_t bad = first_not_finite(tensor); bad < tensor.size())
            throw std::invalid_argument(fmt::format("{}: the state of parameter '{}' {} has {} at element {}",
                                                    name, slot.path, slot.shape.text(), tensor.data()[bad],
                                                    bad));
    }
}

// Throws also for a state that was made by hand and has none of the options, or more.
void require_same(std::string_view name, const OptionValues& own, const OptionValues& given) {
    for (const auto& [option, value] : own) {
        const auto found = given.find(option);
        if (found == given.end())
            throw std::invalid_argument(fmt::format("{}: the state does not say its {}", name, option));
        if (found->second != value)
            throw std::invalid_argument(
                fmt::format("{}: {} is {} in the state and {} in the optimizer; the options must be the same",
                            name, option, found->second, value));
    }
    for (const auto& [option, value] : given)
        if (!own.contains(option))
            throw std::invalid_argument(
                fmt::format("{}: the state has an option {}, which there is not", name, option));
}

}  // namespace

template <class T>
Optimizer<T>::Optimizer(std::string_view name, const ParameterList<T>& parameters, std::size_t running_count,
                        double learning_rate)
    : name_(name), slots_(parameters, running_count), learning_rate_(checked_rate(name, learning_rate)) {}

template <class T>
void Optimizer<T>::set_learning_rate(double rate) {
    learning_rate_ = checked_rate(name_, rate);
}

template <class T>
void Optimizer<T>::update(const Gradients<T>& gradients,
                          const std::function<void(Slot<T>&, const Tensor<T>&)>& update) {
    slots_.update(name_, gradients, squared_, update);
    ++steps_;
}

template <class T>
OptimizerState<T> Optimizer<T>::state() const {
    OptimizerState<T> state{std::string(name_), steps_, learning_rate_, {}, options_};
    for (const Slot<T>& slot : slots_.list()) state.entries.push_back({slot.path, slot.running});
    return state;
}

template <class T>
void Optimizer<T>::require_fits(const OptimizerState<T>& state) const {
    const std::vector<Slot<T>>& slots = slots_.list();
    if (state.optimizer != name_)
        throw std::invalid_argument(fmt::format("{}: the state is that of '{}'", name_, state.optimizer));
    if (state.entries.size() != slots.size())
        throw std::invalid_argument(fmt::format("{}: the state is of {} parameters and the optimizer has {}",
                                                name_, state.entries.size(), slots.size()));
    slots_.require_unchanged(name_);
    require_same(name_, options_, state.options);
    for (std::size_t i = 0; i < slots.size(); ++i) require_same(name_, slots[i], state.entries[i]);
    checked_rate(name_, state.learning_rate);
}

template <class T>
void Optimizer<T>::restore(OptimizerState<T> state) {
    require_fits(state);
    std::vector<Slot<T>>& slots = slots_.list();
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i].running.swap(state.entries[i].running);
    steps_ = state.steps;
    learning_rate_ = state.learning_rate;
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace tapeloop::optim
