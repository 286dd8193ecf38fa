#include <fmt/format.h>
#include <nn/check/cell/cell_parameters.hpp>

#include <algorithm>

namespace tapeloop::nn::detail {
namespace {

template <class T>
using Storage = typename Parameter<T>::Storage;

template <class T>
std::string mistake_of_names(const ParameterList<T>& parameters) {
    for (std::size_t k = 0; k < parameters.size(); ++k) {
        const std::string& path = parameters[k].path;
        if (path.empty() || path.back() == '/')
            return fmt::format(
                "parameter {} of the list has no name; give it one: Parameter<T>(\"W\", value)", k);
        for (std::size_t other = 0; other < k; ++other) {
            if (parameters[other].path != path) continue;
            return parameters[other].parameter == parameters[k].parameter
                       ? fmt::format("'{}' and '{}' are one parameter, by one name; list it once", path, path)
                       : fmt::format("two parameters are called '{}'; names must be unique", path);
        }
    }
    return "";
}

}  // namespace

template <class T>
std::string mistake_of_parameters(CellUnderCheck<T>& cell, const Batch<T>& batch) {
    const ParameterList<T> parameters = cell.layer.parameters();
    std::string mistake = mistake_of_names(parameters);
    if (!mistake.empty()) return mistake;
    Tape<T> tape;
    std::vector<Var<T>> state;
    for (const Tensor<T>& part : batch.state) state.push_back(input(part));
    cell.layer.initial_state(batch.size());
    unroll(cell.layer, batch.x, state);
    for (const auto& entry : parameters)
        if (tape.find(entry.parameter->storage().get()) == nullptr)
            return fmt::format(
                "'{}' is listed, but neither a step nor the initial state uses it; "
                "use it, not its value(), or leave it out",
                entry.path);
    const auto is_listed = [&](const Storage<T>* read) {
        return std::any_of(parameters.begin(), parameters.end(),
                           [read](const auto& entry) { return entry.parameter->storage().get() == read; });
    };
    for (NodeIndex node = 0; node < tape.size(); ++node)
        if (const auto read = tape.parameter(node); read != nullptr && !is_listed(read.get()))
            return fmt::format("it reads '{}', which parameters() does not list: no optimizer would train it",
                               read->name);
    return "";
}

template std::string mistake_of_parameters(CellUnderCheck<float>&, const Batch<float>&);
template std::string mistake_of_parameters(CellUnderCheck<double>&, const Batch<double>&);

}  // namespace tapeloop::nn::detail
