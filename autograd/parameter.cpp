#include <fmt/format.h>
#include <autograd/parameter.hpp>

#include <stdexcept>

namespace tapeloop {

template <class T>
void Parameter<T>::assign(const Tensor<T>& value) {
    const Shape shape = shape_of(value);
    if (shape != storage_->shape)
        throw std::invalid_argument(fmt::format("assign: parameter '{}' is {} and the new value is {}",
                                                name(), storage_->shape.text(), shape.text()));
    std::copy_n(value.data(), value.size(), update().data());
}

template class Parameter<float>;
template class Parameter<double>;

}  // namespace tapeloop
