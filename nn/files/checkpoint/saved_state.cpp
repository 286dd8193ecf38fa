#include <nn/files/checkpoint/saved.hpp>

#include <algorithm>

namespace tapeloop::nn::detail {

template <class T>
Saved saved_state(std::function<NamedTensors<T>()> tensors) {
    const auto collect = [tensors](Collected& out) {
        for (const auto& [name, tensor] : tensors()) out.refer(name, *tensor);
    };
    const auto compare = [tensors](Comparison& saved) -> Takeover {
        std::vector<std::pair<Tensor<T>*, const Tensor<T>*>> list;
        for (const auto& [name, tensor] : tensors())
            list.emplace_back(tensor, saved.tensor<T>(name, shape_of(*tensor)));
        return [list] {
            for (const auto& [here, value] : list) std::copy_n(value->data(), value->size(), here->data());
        };
    };
    return {"state", collect, compare};
}

template Saved saved_state(std::function<NamedTensors<float>()>);
template Saved saved_state(std::function<NamedTensors<double>()>);

}  // namespace tapeloop::nn::detail
