#include <nn/cells/gates.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/sequence/cell.hpp>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<MinimalGruCell<float>>);

template <class T>
MinimalGruCell<T>::MinimalGruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                                  GruOptions gru_options)
    : options(gru_options) {
    require_sizes("MinimalGruCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 2, generator));
    W = Parameter<T>("W", packed_orthogonal<T>(hidden_size, 2, generator));
    b = Parameter<T>("b", zeros<T>({2 * hidden_size}));
}

template struct MinimalGruCell<float>;
template struct MinimalGruCell<double>;

}  // namespace tapeloop::nn
