// Writes layers.json: LibTorch's recurrent layers in double, with their gradients, in the format that the
// conformance program reads. README.md says how it is built.

#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;
using torch::Tensor;
using Gates = std::vector<std::string>;

constexpr std::int64_t T = 4, B = 3, I = 2, H = 3, P = 2;
const std::vector<std::int64_t> padded_lengths{2, 4, 1};  // LibTorch takes no length of 0

/// The parts that the layers are made of. Gates are in LibTorch's order.
struct Kind {
    std::string name;
    std::string cell;
    Json options;
    Gates gates;
    bool projected = false;
};
const std::vector<Kind> kinds{
    {"rnn-tanh", "rnn", {{"activation", "tanh"}}, {""}},
    {"rnn-relu", "rnn", {{"activation", "relu"}}, {""}},
    {"lstm", "lstm", Json::object(), {"input", "forget", "candidate", "output"}},
    {"lstm-projection", "lstm", {{"projection", true}}, {"input", "forget", "candidate", "output"}, true},
    {"gru", "gru", {{"reset", "after"}, {"update", "keeps"}}, {"reset", "update", "candidate"}},
};

struct Setup {
    std::int64_t layers;
    bool both_directions, lengths, states;
};
const std::vector<Setup> setups{
    {1, false, false, false}, {1, true, true, true}, {2, false, true, true},
    {2, true, false, true},   {2, true, true, true},
};

/// Three decimals, so that the file says exactly what was computed with, the same on every machine.
Tensor random(const std::vector<std::int64_t>& shape, std::mt19937& bits) {
    Tensor result = torch::empty(shape, torch::kDouble);
    for (std::int64_t i = 0; i < result.numel(); ++i)
        result.data_ptr<double>()[i] = (static_cast<double>(bits() % 2001) - 1000) / 1000;
    return result;
}

Json json_of(const Tensor& tensor) {
    const Tensor whole = tensor.detach().contiguous();
    const double* data = whole.data_ptr<double>();
    return {{"shape", whole.sizes().vec()}, {"data", std::vector<double>(data, data + whole.numel())}};
}

/// The parameters of one direction of one layer, or their gradients, by the names of the format. LibTorch
/// keeps a gate's weights as rows; of two biases that are added the sum counts, and either one's gradient.
Json entries_of(const Kind& kind, const std::string& suffix, const std::map<std::string, Tensor>& tensors,
                bool gradients) {
    const auto get = [&](const std::string& name) {
        const Tensor& parameter = tensors.at(name + suffix);
        return gradients ? parameter.grad() : parameter;
    };
    const auto rows = [](const Tensor& packed, std::size_t k) {
        const auto begin = static_cast<std::int64_t>(k) * H;
        return packed.slice(0, begin, begin + H);
    };
    Json entries;
    for (std::size_t k = 0; k < kind.gates.size(); ++k) {
        const std::string dot = kind.gates[k].empty() ? "" : "." + kind.gates[k];
        entries["U" + dot] = json_of(rows(get("weight_ih"), k).t());
        entries["W" + dot] = json_of(rows(get("weight_hh"), k).t());
        const Tensor b = rows(get("bias_ih"), k);
        const Tensor b_recurrent = rows(get("bias_hh"), k);
        if (kind.cell == "gru" && kind.gates[k] == "candidate") {
            entries["b.candidate"] = json_of(b);
            entries["b_recurrent.candidate"] = json_of(b_recurrent);
        } else {
            entries["b" + dot] = json_of(gradients ? b : b + b_recurrent);
        }
    }
    if (kind.projected) entries["P"] = json_of(get("weight_hr").t());
    return entries;
}

Json layers_of(const Kind& kind, const Setup& setup, const std::map<std::string, Tensor>& tensors,
               bool gradients) {
    Json layers = Json::array();
    for (std::int64_t k = 0; k < setup.layers; ++k) {
        const std::string suffix = "_l" + std::to_string(k);
        Json layer{{"forward", entries_of(kind, suffix, tensors, gradients)}};
        if (setup.both_directions)
            layer["reverse"] = entries_of(kind, suffix + "_reverse", tensors, gradients);
        layers.push_back(std::move(layer));
    }
    return layers;
}

struct Outcome {
    Tensor output, h, c;  // c of an LSTM only
};

/// Runs a layer, over a packed sequence if there are lengths.
template <class Layer, class State>
auto forward(Layer& layer, const Setup& setup, const Tensor& x, const State& state) {
    namespace rnn_utils = torch::nn::utils::rnn;
    if (!setup.lengths) return layer->forward(x, state);
    const auto packed = rnn_utils::pack_padded_sequence(x, torch::tensor(padded_lengths), false, false);
    auto [output, last] = layer->forward_with_packed_input(packed, state);
    return std::make_tuple(std::get<0>(rnn_utils::pad_packed_sequence(output, false, 0, T)), last);
}

template <class Options>
Options with(Options options, const Setup& setup) {
    return options.num_layers(setup.layers).bidirectional(setup.both_directions);
}

template <class Layer>
std::map<std::string, Tensor> randomised(Layer& layer, std::mt19937& bits) {
    layer->to(torch::kDouble);
    std::map<std::string, Tensor> tensors;
    torch::NoGradGuard without;
    for (auto& item : layer->named_parameters()) {
        item.value().copy_(random(item.value().sizes().vec(), bits));
        tensors.emplace(item.key(), item.value());
    }
    return tensors;
}

/// The layer's parameters, and what it gives for x and its initial state.
std::pair<std::map<std::string, Tensor>, Outcome> run(const Kind& kind, const Setup& setup, const Tensor& x,
                                                      const Tensor& h0, const Tensor& c0,
                                                      std::mt19937& bits) {
    if (kind.cell == "lstm") {
        auto options = with(torch::nn::LSTMOptions(I, H), setup);
        if (kind.projected) options.proj_size(P);
        torch::nn::LSTM layer(options);
        auto tensors = randomised(layer, bits);
        const auto [output, last] = forward(layer, setup, x, std::make_tuple(h0, c0));
        return {tensors, {output, std::get<0>(last), std::get<1>(last)}};
    }
    if (kind.cell == "gru") {
        torch::nn::GRU layer(with(torch::nn::GRUOptions(I, H), setup));
        auto tensors = randomised(layer, bits);
        const auto [output, h] = forward(layer, setup, x, h0);
        return {tensors, {output, h, {}}};
    }
    auto options = with(torch::nn::RNNOptions(I, H), setup);
    if (kind.options["activation"] == "relu") options.nonlinearity(torch::kReLU);
    torch::nn::RNN layer(options);
    auto tensors = randomised(layer, bits);
    const auto [output, h] = forward(layer, setup, x, h0);
    return {tensors, {output, h, {}}};
}

std::string name_of(const Kind& kind, const Setup& setup) {
    return "reference/" + kind.name + "/" + std::to_string(setup.layers) + "x" +
           (setup.both_directions ? "bidirectional" : "forward") + (setup.lengths ? "/lengths" : "") +
           (setup.states ? "/states" : "");
}

Json case_of(const Kind& kind, const Setup& setup, std::mt19937& bits) {
    const bool has_memory = kind.cell == "lstm";
    const std::int64_t directions = setup.layers * (setup.both_directions ? 2 : 1);
    const auto state = [&](std::int64_t width) {
        const Tensor start = random({directions, B, width}, bits);
        return (setup.states ? start : torch::zeros_like(start)).requires_grad_();
    };
    const Tensor x = random({T, B, I}, bits).requires_grad_();
    const Tensor h0 = state(kind.projected ? P : H);
    const Tensor c0 = state(H);
    const auto [tensors, outcome] = run(kind, setup, x, h0, c0, bits);

    std::vector<std::pair<std::string, Tensor>> results{{"output", outcome.output}, {"h", outcome.h}};
    if (has_memory) results.emplace_back("c", outcome.c);
    Tensor J = torch::zeros({}, torch::kDouble);
    Json objective, expected;
    for (const auto& [name, value] : results) {
        const Tensor weights = random(value.sizes().vec(), bits);
        J = J + (value * weights).sum();
        objective[name] = json_of(weights);
        expected[name] = json_of(value);
    }
    J.backward();

    Json inputs{{"x", json_of(x)}};
    Json gradients{{"x", json_of(x.grad())}, {"layers", layers_of(kind, setup, tensors, true)}};
    if (setup.lengths) inputs["lengths"] = padded_lengths;
    if (setup.states) {
        inputs["h0"] = json_of(h0);
        gradients["h0"] = json_of(h0.grad());
        if (has_memory) inputs["c0"] = json_of(c0);
        if (has_memory) gradients["c0"] = json_of(c0.grad());
    }
    expected["gradients"] = gradients;
    return {{"name", name_of(kind, setup)},
            {"source", "tests/reference/layers.cpp"},
            {"cell", kind.cell},
            {"options", kind.options},
            {"layers", layers_of(kind, setup, tensors, false)},
            {"inputs", inputs},
            {"expected", expected},
            {"objective", objective},
            {"tolerance", {{"absolute", 1e-12}, {"relative", 1e-11}}}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: layers FILE\n";
        return 1;
    }
    std::mt19937 bits(1);
    std::ofstream file(argv[1]);
    const Json meta{{"made_by", std::string("tests/reference/layers.cpp with LibTorch ") + TORCH_VERSION}};
    file << "{\"meta\": " << meta << ",\n\"cases\": [\n";
    bool first = true;
    for (const Kind& kind : kinds)
        for (const Setup& setup : setups) {
            if (!first) file << ",\n";
            first = false;
            file << case_of(kind, setup, bits);
        }
    file << "\n]}\n";
}
