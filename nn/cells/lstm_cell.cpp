#include <nn/cells/gates.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/sequence/cell.hpp>

#include <algorithm>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<LstmCell<float>>);

template <class T>
LstmCell<T>::LstmCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                      LstmOptions options) {
    require_sizes("LstmCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 4, generator));
    W = Parameter<T>("W", packed_orthogonal<T>(hidden_size, 4, generator));
    b = Parameter<T>("b", zeros<T>({4 * hidden_size}));
    const auto forget = b.update().subspan(hidden_size, hidden_size);
    std::fill(forget.begin(), forget.end(), static_cast<T>(options.forget_bias));
}

template struct LstmCell<float>;
template struct LstmCell<double>;

}  // namespace tapeloop::nn
