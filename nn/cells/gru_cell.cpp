#include <nn/cells/gates.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/sequence/cell.hpp>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<GruCell<float>>);

template <class T>
GruCell<T>::GruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                    GruOptions gru_options)
    : options(gru_options) {
    require_sizes("GruCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 3, generator));
    W = Parameter<T>("W", packed_orthogonal<T>(hidden_size, 3, generator));
    b = Parameter<T>("b", zeros<T>({3 * hidden_size}));
    b_recurrent = Parameter<T>("b_recurrent", zeros<T>({hidden_size}));
}

template struct GruCell<float>;
template struct GruCell<double>;

}  // namespace tapeloop::nn
