#include <autograd/custom.hpp>
#include <nn/check/untied.hpp>

#include <utility>

namespace tapeloop::nn::detail {

template <class T>
UntiedParameters<T>::UntiedParameters(const std::vector<typename ParameterList<T>::Entry>& parameters) {
    for (const auto& entry : parameters) {
        places_.push_back(entry.parameter);
        Parameter<T> copy = entry.parameter->clone();
        originals_.push_back(std::exchange(*entry.parameter, std::move(copy)));
    }
}

template <class T>
UntiedParameters<T>::~UntiedParameters() {
    for (std::size_t k = 0; k < places_.size(); ++k) *places_[k] = std::move(originals_[k]);
}

template <class T>
void UntiedParameters<T>::next_time_step() {
    time_steps_.emplace_back();
    for (std::size_t k = 0; k < places_.size(); ++k) {
        *places_[k] = originals_[k].clone();
        time_steps_.back().emplace_back(*places_[k]);
    }
}

template class UntiedParameters<float>;
template class UntiedParameters<double>;

namespace {

const auto hand_on = custom(
    "handed_on", [](const auto& x) { return x; }, [](const auto& g, const auto&, const auto&) { return g; });

}  // namespace

Var<float> handed_on(const Var<float>& part) { return hand_on(part); }
Var<double> handed_on(const Var<double>& part) { return hand_on(part); }

}  // namespace tapeloop::nn::detail
