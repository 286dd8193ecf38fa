#include <fmt/format.h>
#include <optim/all_finite.hpp>
#include <optim/require.hpp>
#include <optim/slots.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::optim::detail {

using namespace tapeloop::detail;

namespace {

template <class T>
const Tensor<T>& gradient_of(std::string_view operation, const Slot<T>& slot, const Gradients<T>& gradients) {
    try {
        return gradients[*slot.parameter];
    } catch (const std::invalid_argument&) {
        throw std::invalid_argument(fmt::format(
            "{}: there is no gradient for parameter '{}'; ask `gradient` for it", operation, slot.path));
    }
}

template <class T>
void require_finite(std::string_view operation, const Slot<T>& slot, const Tensor<T>& gradient) {
    const std::size_t bad = first_not_finite(gradient);
    if (bad < gradient.size())
        throw std::invalid_argument(
            fmt::format("{}: the gradient of parameter '{}' {} has {} at element {}; nothing was updated",
                        operation, slot.path, slot.shape.text(), gradient.data()[bad], bad));
}

// Twice the square, for what rounding adds to an average of such squares.
template <class X>
X with_square(const X& sum, const X& g) {
    return sum + 2 * (g * g);
}

template <class T>
void require_squares(std::string_view operation, const Slot<T>& slot, const Tensor<T>& gradient,
                     const Squared<T>& squared) {
    const T decay = squared.decay;
    const T* g = gradient.data();
    const T* p = decay == 0 ? g : slot.parameter->value().data();
    const T* sums = squared.summed ? slot.running[0].data() : g;
    const T of_sum = squared.summed ? T(1) : T(0);
    const bool fit = decay == 0 && !squared.summed
                         ? all_finite<T, 1>(gradient.size(), {g},
                                            [](const auto& in) { return with_square<Lanes<T>>(0, in[0]); })
                         : all_finite<T, 3>(gradient.size(), {g, p, sums}, [=](const auto& in) {
                               return with_square<Lanes<T>>(of_sum * in[2], in[0] + decay * in[1]);
                           });
    if (fit) return;
    require_finite(operation, slot, gradient);
    std::size_t bad = 0;
    while (std::isfinite(with_square<T>(of_sum * sums[bad], g[bad] + decay * p[bad]))) ++bad;
    throw std::invalid_argument(
        fmt::format("{}: the gradient of parameter '{}' {}{} is {} at element {}, and {} overflows {}; clip "
                    "the gradients "
                    "before the step; nothing was updated",
                    operation, slot.path, slot.shape.text(), decay == 0 ? "" : " with weight decay",
                    g[bad] + decay * p[bad], bad, squared.summed ? "the sum of its squares" : "its square",
                    sizeof(T) == sizeof(float) ? "float" : "double"));
}

template <class T>
const Tensor<T>& checked_gradient(std::string_view operation, const Slot<T>& slot,
                                  const Gradients<T>& gradients, const std::optional<Squared<T>>& squared) {
    const Tensor<T>& gradient = gradient_of(operation, slot, gradients);
    if (shape_of(gradient) != slot.shape)
        throw std::invalid_argument(
            fmt::format("{}: parameter '{}' is {} and its gradient {}; they must have the same shape",
                        operation, slot.path, slot.shape.text(), shape_of(gradient).text()));
    if (squared.has_value())
        require_squares(operation, slot, gradient, *squared);
    else
        require_finite(operation, slot, gradient);
    return gradient;
}

}  // namespace

template <class T>
Slots<T>::Slots(const ParameterList<T>& parameters, std::size_t running_count) {
    for (const auto& [path, parameter] : parameters) {
        const auto same = [&](const Slot<T>& slot) {
            return slot.parameter->storage() == parameter->storage();
        };
        if (std::any_of(slots_.begin(), slots_.end(), same)) continue;
        slots_.push_back({path, parameter, parameter->shape(),
                          std::vector<Tensor<T>>(running_count, zeros<T>(parameter->shape()))});
    }
}

template <class T>
void Slots<T>::require_unchanged(std::string_view operation) const {
    // Nothing is allocated: who restores several states has to know that the second one cannot fail.
    for (auto slot_place = slots_.begin(); slot_place != slots_.end(); ++slot_place) {
        const Slot<T>& slot = *slot_place;
        const Parameter<T>* parameter = slot.parameter.find();
        const auto is_same = [&](const Slot<T>& other) { return other.parameter.find() == parameter; };
        if (parameter == nullptr)
            throw std::logic_error(fmt::format(
                "{}: parameter '{}' was destroyed; make a new one from the parameters that are there",
                operation, slot.path));
        if (std::any_of(slots_.begin(), slot_place, is_same))
            throw std::logic_error(fmt::format(
                "{}: parameter '{}' was moved into another that is listed as well; make a new one "
                "from the parameters that are there",
                operation, slot.path));
        if (parameter->shape() != slot.shape)
            throw std::invalid_argument(
                fmt::format("{}: parameter '{}' was replaced: it was {} and is {} now; make a new one from "
                            "the parameters "
                            "that are there",
                            operation, slot.path, slot.shape.text(), parameter->shape().text()));
    }
}

template <class T>
void Slots<T>::update(std::string_view operation, const Gradients<T>& gradients,
                      const std::optional<Squared<T>>& squared,
                      const std::function<void(Slot<T>&, const Tensor<T>&)>& update) {
    require_unchanged(operation);
    std::vector<const Tensor<T>*> checked;
    for (const Slot<T>& slot : slots_)
        checked.push_back(&checked_gradient(operation, slot, gradients, squared));
    for (std::size_t i = 0; i < slots_.size(); ++i) update(slots_[i], *checked[i]);
}

template class Slots<float>;
template class Slots<double>;

}  // namespace tapeloop::optim::detail
