#include <nn/cells/gates.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/sequence/cell.hpp>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<QrnnCell<float>>);

template <class T>
QrnnCell<T>::QrnnCell(std::size_t input_size, std::size_t hidden_size, Generator& generator) {
    require_sizes("QrnnCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 3, generator));
    b = Parameter<T>("b", zeros<T>({3 * hidden_size}));
}

template struct QrnnCell<float>;
template struct QrnnCell<double>;

}  // namespace tapeloop::nn
