#include <nn/cells/gates.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/sequence/cell.hpp>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<ResetBeforeGruCell<float>>);

template <class T>
ResetBeforeGruCell<T>::ResetBeforeGruCell(std::size_t input_size, std::size_t hidden_size,
                                          Generator& generator, GruOptions gru_options)
    : options(gru_options) {
    require_sizes("ResetBeforeGruCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 3, generator));
    W = Parameter<T>("W", packed_orthogonal<T>(hidden_size, 2, generator));
    W_candidate = Parameter<T>("W_candidate", orthogonal<T>({hidden_size, hidden_size}, generator));
    b = Parameter<T>("b", zeros<T>({3 * hidden_size}));
}

template struct ResetBeforeGruCell<float>;
template struct ResetBeforeGruCell<double>;

}  // namespace tapeloop::nn
