#include <nn/cells/gates.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/sequence/cell.hpp>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<SruCell<float>>);

template <class T>
SruCell<T>::SruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator) {
    require_sizes("SruCell", input_size, hidden_size);
    U = Parameter<T>("U", packed_xavier<T>(input_size, hidden_size, 3, generator));
    b = Parameter<T>("b", zeros<T>({2 * hidden_size}));
    if (projects_highway())
        U_highway = Parameter<T>("U_highway", xavier_uniform<T>({input_size, hidden_size}, generator));
}

template <class T>
ParameterList<T> SruCell<T>::parameters() {
    ParameterList<T> all = parameter_list(U, b);
    if (projects_highway()) all.add(U_highway);
    return all;
}

template struct SruCell<float>;
template struct SruCell<double>;

}  // namespace tapeloop::nn
