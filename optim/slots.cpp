#include <fmt/format.h>
#include <optim/fused_update.hpp>
#include <optim/slots.hpp>

#include <algorithm>
#include <cmath>
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

template <class T>
std::size_t first_not_finite(const Tensor<T>& tensor) {
    Lanes<T> probe = 0;  // 0 times a NaN or an infinity is NaN, and stays it in a sum
    fused_update<T, 1, 0>(shape_of(tensor), {tensor.data()}, {},
                          [&probe](const auto& in, auto&) { probe = probe + 0 * in[0]; });
    std::array<T, Lanes<T>::width> sums;
    probe.store(sums.data());
    if (std::all_of(sums.begin(), sums.end(), [](T sum) { return sum == 0; })) return tensor.size();
    const T* begin = tensor.data();
    const T* end = begin + tensor.size();
    return static_cast<std::size_t>(std::find_if_not(begin, end, [](T x) { return std::isfinite(x); }) -
                                    begin);
}

void require_option(std::string_view optimizer, std::string_view option, double value, double low,
                    double high) {
    if (!(value >= low && value <= high))
        throw std::invalid_argument(
            fmt::format("{}: {} is {}; it must be in [{}, {}]", optimizer, option, value, low, high));
}

template class Slots<float>;
template class Slots<double>;
template std::size_t first_not_finite(const Tensor<float>&);
template std::size_t first_not_finite(const Tensor<double>&);

}  // namespace tapeloop::optim
