#include <fmt/format.h>
#include <nn/initialisers.hpp>
#include <nn/layers/linear.hpp>

#include <stdexcept>

namespace tapeloop::nn {

template <class T>
Linear<T>::Linear(std::size_t input_size, std::size_t output_size, Generator& generator) {
    if (input_size == 0 || output_size == 0)
        throw std::invalid_argument(fmt::format(
            "Linear: input_size is {} and output_size {}; both must be at least 1", input_size, output_size));
    V = Parameter<T>("V", xavier_uniform<T>({input_size, output_size}, generator));
    c = Parameter<T>("c", zeros<T>({output_size}));
}

template <class T>
Linear<T>::Linear(Tensor<T> weight, Tensor<T> bias) : V("V", std::move(weight)), c("c", std::move(bias)) {
    if (V.shape().rank() != 2 || c.shape() != Shape{V.shape()[1]})
        throw std::invalid_argument(fmt::format("Linear: V is {} and c {}; they must be [H, O] and [O]",
                                                V.shape().text(), c.shape().text()));
}

template struct Linear<float>;
template struct Linear<double>;

}  // namespace tapeloop::nn
