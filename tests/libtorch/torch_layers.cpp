#include "torch_layers.hpp"

#include <torch/torch.h>

#include <set>
#include <stdexcept>
#include <tuple>

namespace torch_layers {

namespace {

using torch::Tensor;

Tensor tensor_of(const Array& array) {
    const std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
    Tensor tensor = torch::empty(shape, torch::kDouble);
    std::copy(array.values.begin(), array.values.end(), tensor.data_ptr<double>());
    return tensor;
}

Array array_of(const Tensor& tensor) {
    const Tensor whole = tensor.detach().contiguous();
    Array array;
    for (const std::int64_t extent : whole.sizes()) array.shape.push_back(static_cast<std::size_t>(extent));
    array.values.assign(whole.data_ptr<double>(), whole.data_ptr<double>() + whole.numel());
    return array;
}

/// Calls `f` with the module, of whichever class it is, and its forward function.
template <class F>
auto with_module(const Module& module, const F& f) {
    const auto set = [&](auto options) {
        return options.num_layers(static_cast<std::int64_t>(module.layers))
            .bidirectional(module.both_directions);
    };
    const auto I = static_cast<std::int64_t>(module.inputs);
    const auto H = static_cast<std::int64_t>(module.units);
    const auto forward = [](auto& layer, const Tensor& x) { return std::get<0>(layer->forward(x)); };
    if (module.kind == Kind::gru) {
        torch::nn::GRU layer(set(torch::nn::GRUOptions(I, H)));
        return f(layer, forward);
    }
    if (module.kind == Kind::lstm || module.kind == Kind::lstm_projected) {
        auto options = set(torch::nn::LSTMOptions(I, H));
        if (module.kind == Kind::lstm_projected)
            options.proj_size(static_cast<std::int64_t>(module.projected));
        torch::nn::LSTM layer(options);
        return f(layer, forward);
    }
    auto options = set(torch::nn::RNNOptions(I, H));
    if (module.kind == Kind::rnn_relu) options.nonlinearity(torch::kReLU);
    torch::nn::RNN layer(options);
    return f(layer, forward);
}

template <class Layer>
void take(Layer& layer, const Arrays& parameters) {
    layer->to(torch::kDouble);
    const torch::NoGradGuard guard;
    std::set<std::string> names;
    for (auto& item : layer->named_parameters()) {
        names.insert(item.key());
        const auto found = parameters.find(item.key());
        if (found == parameters.end())
            throw std::runtime_error("LibTorch has " + item.key() + ", the file not");
        if (array_of(item.value()).shape != found->second.shape)
            throw std::runtime_error(item.key() + " has another shape in LibTorch");
        item.value().copy_(tensor_of(found->second));
    }
    for (const auto& [name, array] : parameters)
        if (names.count(name) == 0) throw std::runtime_error("the file has " + name + ", LibTorch not");
}

/// The gradients of a layer after the backward pass.
template <class Layer>
void note_gradients(Layer& layer, const std::string& prefix, Outcome& outcome) {
    for (auto& item : layer->named_parameters())
        outcome.gradients[prefix + item.key()] = array_of(item.value().grad());
}

}  // namespace

Arrays random_parameters(const Module& module, std::uint64_t seed) {
    torch::manual_seed(seed);
    return with_module(module, [](auto& layer, const auto&) {
        layer->to(torch::kDouble);
        Arrays parameters;
        for (auto& item : layer->named_parameters()) parameters[item.key()] = array_of(item.value());
        return parameters;
    });
}

Outcome run(const Module& module, const Arrays& parameters, const Array& x, const Array& weights) {
    return with_module(module, [&](auto& layer, const auto& forward) {
        take(layer, parameters);
        const Tensor given = tensor_of(x).requires_grad_();
        const Tensor outputs = forward(layer, given);
        (outputs * tensor_of(weights)).sum().backward();
        Outcome outcome{array_of(outputs), array_of(given.grad()), {}};
        note_gradients(layer, "", outcome);
        return outcome;
    });
}

Outcome run_linear_and_norm(const Arrays& parameters, const Array& x, const Array& weights) {
    const std::vector<std::size_t> shape = parameters.at("fc.weight").shape;
    torch::nn::Linear fc(static_cast<std::int64_t>(shape[1]), static_cast<std::int64_t>(shape[0]));
    torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({static_cast<std::int64_t>(shape[0])}));
    take(fc, {{"weight", parameters.at("fc.weight")}, {"bias", parameters.at("fc.bias")}});
    take(norm, {{"weight", parameters.at("norm.weight")}, {"bias", parameters.at("norm.bias")}});
    const Tensor given = tensor_of(x).requires_grad_();
    const Tensor outputs = norm(fc(given));
    (outputs * tensor_of(weights)).sum().backward();
    Outcome outcome{array_of(outputs), array_of(given.grad()), {}};
    note_gradients(fc, "fc.", outcome);
    note_gradients(norm, "norm.", outcome);
    return outcome;
}

Array embed(const Arrays& parameters, const std::vector<std::int64_t>& tokens) {
    const std::vector<std::size_t> shape = parameters.at("weight").shape;
    torch::nn::Embedding table(static_cast<std::int64_t>(shape[0]), static_cast<std::int64_t>(shape[1]));
    take(table, parameters);
    return array_of(table(torch::tensor(tokens)));
}

}  // namespace torch_layers
