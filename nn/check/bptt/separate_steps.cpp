#include <autograd/map/map_operation.hpp>
#include <nn/check/bptt/separate_steps.hpp>

namespace tapeloop::nn::detail {

template <class T>
ParametersOfEachStep<T>::ParametersOfEachStep(const ParameterEntries<T>& parameters) {
    for (const auto& entry : parameters) {
        places_.push_back(entry.parameter);
        Parameter<T> copy = entry.parameter->clone();
        originals_.push_back(std::exchange(*entry.parameter, std::move(copy)));
    }
}

template <class T>
ParametersOfEachStep<T>::~ParametersOfEachStep() {
    for (std::size_t k = 0; k < places_.size(); ++k) *places_[k] = std::move(originals_[k]);
}

template <class T>
void ParametersOfEachStep<T>::next_time_step() {
    time_steps_.emplace_back();
    for (std::size_t k = 0; k < places_.size(); ++k) {
        *places_[k] = originals_[k].clone();
        time_steps_.back().emplace_back(*places_[k]);
    }
}

template <class T>
std::pair<Var<T>, Parts<T>> CellOfSeparateSteps<T>::step(const Var<T>& x, const Parts<T>& state) const {
    parameters.next_time_step();
    auto [output, next] = cell.step(x, state);
    for (Var<T>& part : next) part = tapeloop::detail::identity(part);
    return {output, std::move(next)};
}

template class ParametersOfEachStep<float>;
template class ParametersOfEachStep<double>;
template struct CellOfSeparateSteps<float>;
template struct CellOfSeparateSteps<double>;

}  // namespace tapeloop::nn::detail
