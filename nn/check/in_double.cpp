#include <autograd/inspect/as_double.hpp>
#include <autograd/parameter.hpp>
#include <nn/check/cell_run.hpp>
#include <nn/check/in_double.hpp>

namespace tapeloop::nn::detail {

using tapeloop::detail::as_double;

std::size_t hidden_size_of(const AnyLayer<float>& layer) {
    const Tape<float> tape;
    const std::vector<Var<float>> state = layer.initial_state(1);
    return state.empty() || state.front().shape().rank() == 0 ? 0 : state.front().shape().back();
}

bool is_twin(AnyLayer<float>& layer, AnyLayer<double>& twin, const Tensor<float>& x) {
    const ParameterList<float> from = layer.parameters();
    const ParameterList<double> to = twin.parameters();
    if (from.size() != to.size()) return false;
    for (std::size_t k = 0; k < from.size(); ++k) {
        if (from[k].path != to[k].path || from[k].parameter->shape() != to[k].parameter->shape())
            return false;
        to[k].parameter->assign(as_double(from[k].parameter->value()));
    }
    const Tape<float> tape;
    const Tape<double> tape_in_double;
    const Tensor<double> outputs = as_double(unroll(layer, x).outputs.value());
    return difference("outputs", unroll(twin, as_double(x)).outputs.value(), outputs, {}, 1e-3).empty();
}

}  // namespace tapeloop::nn::detail
