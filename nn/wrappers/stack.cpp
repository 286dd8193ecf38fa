#include <fmt/format.h>
#include <nn/wrappers/stack.hpp>

#include <stdexcept>

namespace tapeloop::nn {

static_assert(TrainableCell<Stack<float>> && SequenceLayer<Stack<float>>);

template <class T>
void Stack<T>::add(std::string name, AnyLayer<T> layer) {
    for (const Named& other : layers_)
        if (other.name == name)
            throw std::invalid_argument(fmt::format("Stack: there is a layer called `{}` already", name));
    layers_.push_back({std::move(name), std::move(layer)});
}

template <class T>
void Stack<T>::add(AnyLayer<T> layer) {
    add(fmt::format("layer{}", layers_.size()), std::move(layer));
}

template <class T>
AnyLayer<T>& Stack<T>::layer(std::size_t k) {
    require_layer(k);
    return layers_[k].layer;
}

template <class T>
const std::string& Stack<T>::name(std::size_t k) const {
    require_layer(k);
    return layers_[k].name;
}

template <class T>
void Stack<T>::require_layer(std::size_t k) const {
    if (k >= layers_.size())
        throw std::invalid_argument(fmt::format("Stack: there is no layer {}; it has {}", k, layers_.size()));
}

template <class T>
typename Stack<T>::State Stack<T>::initial_state(std::size_t batch) const {
    State state;
    for (const Named& part : layers_) state.push_back(part.layer.initial_state(batch));
    return state;
}

template <class T>
typename Stack<T>::State Stack<T>::prepare() const {
    State prepared;
    for (const Named& part : layers_) prepared.push_back(part.layer.prepare());
    return prepared;
}

template <class T>
std::pair<Var<T>, typename Stack<T>::State> Stack<T>::step(const Var<T>& x, const State& state,
                                                           const State& prepared) const {
    std::pair<Var<T>, State> result{x, state};
    for (std::size_t k = 0; k < layers_.size(); ++k) {
        const LabelScope<T> layer(layers_[k].name);
        std::tie(result.first, result.second[k]) = layers_[k].layer.step(result.first, state[k], prepared[k]);
    }
    return result;
}

template <class T>
Unrolled<T, typename Stack<T>::State> Stack<T>::unroll(const Var<T>& x, const State& state,
                                                       const UnrollOptions& options) const {
    Unrolled<T, State> result{x, state, {}};
    if (options.trace) result.trace.resize(x.shape()[0], State(layers_.size()));
    for (std::size_t k = 0; k < layers_.size(); ++k) {
        const LabelScope<T> layer(layers_[k].name);
        auto part = layers_[k].layer.unroll(result.outputs, state[k], options);
        result.outputs = part.outputs;
        result.state[k] = std::move(part.state);
        for (std::size_t t = 0; t < result.trace.size(); ++t) result.trace[t][k] = std::move(part.trace[t]);
    }
    return result;
}

template <class T>
std::vector<bool> Stack<T>::hidden_parts() const {
    std::vector<bool> all;
    for (const Named& part : layers_) {
        const std::vector<bool> own = part.layer.hidden_parts();
        all.insert(all.end(), own.begin(), own.end());
    }
    return all;
}

template <class T>
ParameterList<T> Stack<T>::parameters() {
    ParameterList<T> list;
    for (Named& part : layers_) list.add(part.name, part.layer.parameters());
    return list;
}

template class Stack<float>;
template class Stack<double>;

}  // namespace tapeloop::nn
