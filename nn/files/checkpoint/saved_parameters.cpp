#include <fmt/format.h>
#include <nn/files/checkpoint/saved.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

template <class T>
struct Named {
    std::string path;
    Parameter<T>* parameter;
};

// A parameter that two parts share is saved once, under its first path.
template <class T>
std::vector<Named<T>> each_once(const ParameterList<T>& parameters) {
    std::vector<Named<T>> list;
    for (const auto& [path, reference] : parameters) {
        Parameter<T>* parameter = reference.get();
        const auto is_same = [&](const Named<T>& other) { return other.parameter == parameter; };
        if (std::none_of(list.begin(), list.end(), is_same)) list.push_back({path, parameter});
    }
    return list;
}

template <class T>
struct Replacement {
    Parameter<T>* parameter;
    const Tensor<T>* value;
};

}  // namespace

template <class T>
Saved saved_parameters(const ParameterList<T>& parameters) {
    const auto collect = [parameters](Collected& out) {
        for (const auto& [path, parameter] : each_once(parameters)) out.refer(path, parameter->value());
    };
    const auto compare = [parameters](Comparison& saved) -> Takeover {
        std::vector<Replacement<T>> list;
        for (const auto& [path, parameter] : each_once(parameters))
            list.push_back({parameter, saved.tensor<T>(path, parameter->shape())});
        return [list] {
            for (const auto& [parameter, value] : list)
                std::copy_n(value->data(), value->size(), parameter->update().data());
        };
    };
    return {"parameters", collect, compare};
}

template Saved saved_parameters(const ParameterList<float>&);
template Saved saved_parameters(const ParameterList<double>&);

}  // namespace tapeloop::nn::detail
