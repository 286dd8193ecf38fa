#include <fmt/format.h>
#include <optim/require.hpp>
#include <optim/slots.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::optim {
namespace {

template <class T>
Tensor<T> zeros_like(const Parameter<T>& parameter) {
    Tensor<T> tensor = uninitialised<T>(parameter.shape());
    tensor.fill(T(0));
    return tensor;
}

template <class T>
const Tensor<T>& checked_gradient(std::string_view operation, const Slot<T>& slot,
                                  const Gradients<T>& gradients) {
    const Tensor<T>* gradient = nullptr;
    try {
        gradient = &gradients[*slot.parameter];
    } catch (const std::invalid_argument&) {
        throw std::invalid_argument(fmt::format(
            "{}: there is no gradient for parameter '{}'; ask `gradient` for it", operation, slot.path));
    }
    if (shape_of(*gradient) != slot.parameter->shape())
        throw std::invalid_argument(
            fmt::format("{}: parameter '{}' is {} and its gradient {}; they must have the same shape",
                        operation, slot.path, slot.parameter->shape().text(), shape_of(*gradient).text()));
    const std::size_t bad = first_not_finite(*gradient);
    if (bad < gradient->size())
        throw std::invalid_argument(
            fmt::format("{}: the gradient of parameter '{}' {} has {} at element {}; nothing was updated",
                        operation, slot.path, slot.parameter->shape().text(), gradient->data()[bad], bad));
    return *gradient;
}

}  // namespace

template <class T>
Slots<T>::Slots(const ParameterList<T>& parameters, std::size_t running_count) {
    for (const auto& [path, parameter] : parameters) {
        const auto same = [&](const Slot<T>& slot) {
            return slot.parameter->storage() == parameter->storage();
        };
        if (std::any_of(slots_.begin(), slots_.end(), same)) continue;
        slots_.push_back({path, parameter, std::vector<Tensor<T>>(running_count, zeros_like(*parameter))});
    }
}

template <class T>
void Slots<T>::update(std::string_view operation, const Gradients<T>& gradients,
                      const std::function<void(Slot<T>&, const Tensor<T>&)>& update) {
    std::vector<const Tensor<T>*> checked;
    for (const Slot<T>& slot : slots_) checked.push_back(&checked_gradient(operation, slot, gradients));
    for (std::size_t i = 0; i < slots_.size(); ++i) update(slots_[i], *checked[i]);
}

template class Slots<float>;
template class Slots<double>;

}  // namespace tapeloop::optim
