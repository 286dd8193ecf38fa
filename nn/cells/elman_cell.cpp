#include <fmt/format.h>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gates.hpp>
#include <nn/sequence/cell.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<ElmanCell<float>>);

template <class T>
ElmanCell<T>::ElmanCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                        ElmanOptions options)
    : activation(options.activation) {
    require_sizes("ElmanCell", input_size, hidden_size);
    U = Parameter<T>("U", xavier_uniform<T>({input_size, hidden_size}, generator));
    W = Parameter<T>("W", orthogonal<T>({hidden_size, hidden_size}, generator));
    b = Parameter<T>("b", zeros<T>({hidden_size}));
}

template <class T>
ElmanCell<T>::ElmanCell(Tensor<T> input_weight, Tensor<T> state_weight, Tensor<T> bias, ElmanOptions options)
    : U("U", std::move(input_weight)),
      W("W", std::move(state_weight)),
      b("b", std::move(bias)),
      activation(options.activation) {
    const std::size_t H = b.value().size();
    if (U.shape().rank() != 2 || U.shape()[1] != H || W.shape() != Shape{H, H} || b.shape() != Shape{H})
        throw std::invalid_argument(
            fmt::format("ElmanCell: U is {}, W {} and b {}; they must be [I, H], [H, H] and [H]",
                        U.shape().text(), W.shape().text(), b.shape().text()));
}

template struct ElmanCell<float>;
template struct ElmanCell<double>;

}  // namespace tapeloop::nn
