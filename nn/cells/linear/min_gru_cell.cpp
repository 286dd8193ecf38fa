#include <nn/cells/gates.hpp>
#include <nn/cells/linear/min_gru_cell.hpp>
#include <nn/sequence/cell.hpp>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<MinGruCell<float>>);

template <class T>
MinGruCell<T>::MinGruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator) {
    require_sizes("MinGruCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 2, generator));
    b = Parameter<T>("b", zeros<T>({2 * hidden_size}));
}

template struct MinGruCell<float>;
template struct MinGruCell<double>;

}  // namespace tapeloop::nn
