#include <nn/cell.hpp>
#include <nn/elman_cell.hpp>
#include <nn/gates.hpp>

namespace tapeloop::nn {

static_assert(TrainableCell<ElmanCell<float>>);

template <class T>
ElmanCell<T>::ElmanCell(std::size_t input_size, std::size_t hidden_size, Generator& generator, ElmanOptions options)
    : activation(options.activation) {
    require_sizes("ElmanCell", input_size, hidden_size);
    U = Parameter<T>("U", xavier_uniform<T>({input_size, hidden_size}, generator));
    W = Parameter<T>("W", orthogonal<T>({hidden_size, hidden_size}, generator));
    b = Parameter<T>("b", zeros<T>({hidden_size}));
}

template struct ElmanCell<float>;
template struct ElmanCell<double>;

}  // namespace tapeloop::nn
