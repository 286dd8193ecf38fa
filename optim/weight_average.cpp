#include <fmt/format.h>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>
#include <optim/weight_average.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

namespace {

template <class T>
void require_finite_weights(const Slot<T>& slot) {
    const Tensor<T>& value = slot.parameter->value();
    const std::size_t bad = first_not_finite(value);
    if (bad < value.size())
        throw std::invalid_argument(
            fmt::format("weight_average: parameter '{}' {} has {} at element {}; nothing was averaged",
                        slot.path, slot.shape.text(), value.data()[bad], bad));
}

template <class T>
void require_same(const Slot<T>& slot, const typename WeightAverageState<T>::Entry& entry) {
    if (entry.path != slot.path)
        throw std::invalid_argument(
            fmt::format("weight_average: the state has '{}' where '{}' is averaged; the parameters must be "
                        "the same, in the same order",
                        entry.path, slot.path));
    if (shape_of(entry.average) != slot.shape)
        throw std::invalid_argument(
            fmt::format("weight_average: parameter '{}' is {} and its average in the state {}; they must "
                        "have the same shape",
                        slot.path, slot.shape.text(), shape_of(entry.average).text()));
    if (const std::size_t bad = first_not_finite(entry.average); bad < entry.average.size())
        throw std::invalid_argument(
            fmt::format("weight_average: the average of parameter '{}' {} has {} at element {}", slot.path,
                        slot.shape.text(), entry.average.data()[bad], bad));
}

template <class T>
void put(Parameter<T>& parameter, const Tensor<T>& value) {
    std::copy_n(value.data(), value.size(), parameter.update().data());
}

}  // namespace

template <class T>
WeightAverage<T>::WeightAverage(const ParameterList<T>& parameters, WeightAverageOptions options)
    : options_(options), slots_(parameters, 1) {
    require_below_one("weight_average", "decay", options.decay);
}

template <class T>
double WeightAverage<T>::share() const {
    const auto n = static_cast<double>(updates_ + 1);
    const double rest = 1 - options_.decay;
    if (updates_ == 0) return 1;
    switch (options_.start) {
        case AverageStart::bias_correction:
            return rest / (1 - std::pow(options_.decay, n));
        case AverageStart::warm_up:
            return std::max(rest, 9 / (n + 9));
        case AverageStart::first_weights:
            break;
    }
    return rest;
}

template <class T>
void WeightAverage<T>::require_own_weights(std::string_view call) const {
    if (swapped_in_)
        throw std::logic_error(
            fmt::format("weight_average: the parameters hold their averages; {} when the AveragedWeights has "
                        "ended",
                        call));
}

template <class T>
void WeightAverage<T>::update() {
    require_own_weights("update");
    slots_.require_unchanged("weight_average");
    for (const Slot<T>& slot : slots_.list()) require_finite_weights(slot);
    const T fresh = static_cast<T>(share());
    const T kept = static_cast<T>(1 - share());
    for (Slot<T>& slot : slots_.list()) {
        T* a = slot.running[0].data();
        fused_update<T, 2, 1>(slot.shape, {a, slot.parameter->value().data()}, {a},
                              [=](const auto& in, auto& out) { out[0] = kept * in[0] + fresh * in[1]; });
    }
    ++updates_;
}

template <class T>
const Tensor<T>& WeightAverage<T>::operator[](const Parameter<T>& parameter) const {
    if (updates_ == 0)
        throw std::logic_error("weight_average: there is no average yet; update after a step first");
    for (const Slot<T>& slot : slots_.list()) {
        if (slot.parameter.find() != &parameter) continue;
        if (parameter.shape() != slot.shape)
            throw std::invalid_argument(
                fmt::format("weight_average: parameter '{}' was replaced: its average is {} and it is {} now",
                            slot.path, slot.shape.text(), parameter.shape().text()));
        return slot.running[0];
    }
    throw std::invalid_argument(
        fmt::format("weight_average: parameter '{}' is not among those that are averaged", parameter.name()));
}

template <class T>
WeightAverageState<T> WeightAverage<T>::state() const {
    require_own_weights("take the state");
    WeightAverageState<T> state{options_, updates_, {}};
    for (const Slot<T>& slot : slots_.list()) state.entries.push_back({slot.path, slot.running[0]});
    return state;
}

template <class T>
void WeightAverage<T>::require_fits(const WeightAverageState<T>& state) const {
    require_own_weights("restore");
    slots_.require_unchanged("weight_average");
    if (state.options.decay != options_.decay)
        throw std::invalid_argument(
            fmt::format("weight_average: decay is {} in the state and {} here; the options must be the same",
                        state.options.decay, options_.decay));
    if (state.options.start != options_.start)
        throw std::invalid_argument(
            "weight_average: the state's first updates had another weight; the options must be the same");
    const std::vector<Slot<T>>& slots = slots_.list();
    if (state.entries.size() != slots.size())
        throw std::invalid_argument(
            fmt::format("weight_average: the state is of {} parameters, and {} are averaged",
                        state.entries.size(), slots.size()));
    for (std::size_t i = 0; i < slots.size(); ++i) require_same(slots[i], state.entries[i]);
}

template <class T>
void WeightAverage<T>::restore(const WeightAverageState<T>& state) {
    require_fits(state);
    std::vector<Slot<T>>& slots = slots_.list();
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const Tensor<T>& average = state.entries[i].average;
        std::copy_n(average.data(), average.size(), slots[i].running[0].data());
    }
    updates_ = state.updates;
}

template <class T>
AveragedWeights<T>::AveragedWeights(WeightAverage<T>& average) : average_(average) {
    if (average.swapped_in_)
        throw std::logic_error("averaged_weights: the parameters hold their averages already");
    if (average.updates_ == 0)
        throw std::logic_error("averaged_weights: there is no average yet; update after a step first");
    average.slots_.require_unchanged("averaged_weights");
    for (const Slot<T>& slot : average.slots_.list()) weights_.push_back(slot.parameter->value());
    for (Slot<T>& slot : average.slots_.list()) put(*slot.parameter, slot.running[0]);
    average.swapped_in_ = true;
}

template <class T>
AveragedWeights<T>::~AveragedWeights() {
    const std::vector<Slot<T>>& slots = average_.slots_.list();
    for (std::size_t i = 0; i < slots.size(); ++i) {
        Parameter<T>* parameter = slots[i].parameter.find();
        if (parameter != nullptr && parameter->shape() == slots[i].shape) put(*parameter, weights_[i]);
    }
    average_.swapped_in_ = false;
}

template class WeightAverage<float>;
template class WeightAverage<double>;
template class AveragedWeights<float>;
template class AveragedWeights<double>;

}  // namespace tapeloop::optim
