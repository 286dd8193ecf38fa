// Writes optimizers.json: two hundred steps of LibTorch's optimizers in double. README.md says how it is
// built.

#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>

namespace {

using Json = nlohmann::ordered_json;
using torch::optim::Optimizer;
using Parameters = std::vector<torch::Tensor>;

const std::vector<std::vector<double>> start{{1.5, -0.75, 0.125}, {-2, 0.3, 0.9, 0}};
const std::vector<int> shown{1, 10, 50, 200};
const int rate_changes_at = 101;
const double rate_changes_by = 0.3;

/// Exact but for the last operations, so that it is the same on every machine.
double gradient_of(int n, std::size_t k, std::size_t i, double value) {
    const auto sum = static_cast<std::size_t>(7 * n) + 3 * i + 5 * k;
    return static_cast<double>(k + 1 + i) / 4 * (value - 0.5) + (static_cast<double>(sum % 11) - 5) / 10;
}
const char* const gradient_text =
    "element i of parameter k (p is 0, q is 1) with the value x has at step n = 1, 2, ... the gradient "
    "(k + 1 + i) / 4 * (x - 0.5) + ((7 n + 3 i + 5 k) mod 11 - 5) / 10";

// Options that a case does not name are left to LibTorch's defaults.
template <class F>
void take(const Json& options, const char* name, F&& set) {
    if (options.contains(name)) set(options[name]);
}
template <class Options>
void take_betas(const Json& options, Options& result) {
    auto [beta1, beta2] = result.betas();
    result.betas({options.value("beta1", beta1), options.value("beta2", beta2)});
}

std::unique_ptr<Optimizer> sgd(const Parameters& parameters, const Json& options) {
    torch::optim::SGDOptions result(options["learning_rate"].get<double>());
    take(options, "momentum", [&](double x) { result.momentum(x); });
    take(options, "dampening", [&](double x) { result.dampening(x); });
    take(options, "nesterov", [&](bool x) { result.nesterov(x); });
    take(options, "weight_decay", [&](double x) { result.weight_decay(x); });
    return std::make_unique<torch::optim::SGD>(parameters, result);
}

template <class Torch, class Options>
std::unique_ptr<Optimizer> adam(const Parameters& parameters, const Json& options) {
    Options result;
    take_betas(options, result);
    take(options, "learning_rate", [&](double x) { result.lr(x); });
    take(options, "epsilon", [&](double x) { result.eps(x); });
    take(options, "weight_decay", [&](double x) { result.weight_decay(x); });
    take(options, "amsgrad", [&](bool x) { result.amsgrad(x); });
    return std::make_unique<Torch>(parameters, result);
}

std::unique_ptr<Optimizer> rmsprop(const Parameters& parameters, const Json& options) {
    torch::optim::RMSpropOptions result;
    take(options, "learning_rate", [&](double x) { result.lr(x); });
    take(options, "alpha", [&](double x) { result.alpha(x); });
    take(options, "epsilon", [&](double x) { result.eps(x); });
    take(options, "weight_decay", [&](double x) { result.weight_decay(x); });
    take(options, "momentum", [&](double x) { result.momentum(x); });
    take(options, "centered", [&](bool x) { result.centered(x); });
    return std::make_unique<torch::optim::RMSprop>(parameters, result);
}

std::unique_ptr<Optimizer> adagrad(const Parameters& parameters, const Json& options) {
    torch::optim::AdagradOptions result;
    take(options, "learning_rate", [&](double x) { result.lr(x); });
    take(options, "learning_rate_decay", [&](double x) { result.lr_decay(x); });
    take(options, "weight_decay", [&](double x) { result.weight_decay(x); });
    take(options, "initial_accumulator", [&](double x) { result.initial_accumulator_value(x); });
    take(options, "epsilon", [&](double x) { result.eps(x); });
    return std::make_unique<torch::optim::Adagrad>(parameters, result);
}

const std::map<std::string, std::function<std::unique_ptr<Optimizer>(const Parameters&, const Json&)>> makers{
    {"sgd", sgd},
    {"adam", adam<torch::optim::Adam, torch::optim::AdamOptions>},
    {"adamw", adam<torch::optim::AdamW, torch::optim::AdamWOptions>},
    {"rmsprop", rmsprop},
    {"adagrad", adagrad}};

std::vector<std::pair<std::string, Json>> cases() {
    return {
        {"sgd", {{"learning_rate", 0.05}}},
        {"sgd", {{"learning_rate", 0.05}, {"weight_decay", 0.1}}},
        {"sgd", {{"learning_rate", 0.05}, {"momentum", 0.9}}},
        {"sgd", {{"learning_rate", 0.05}, {"momentum", 0.9}, {"dampening", 0.3}}},
        {"sgd", {{"learning_rate", 0.05}, {"momentum", 0.8}, {"nesterov", true}, {"weight_decay", 0.1}}},
        {"adam", Json::object()},
        {"adam", {{"learning_rate", 0.05}, {"beta1", 0.7}, {"beta2", 0.95}, {"epsilon", 0.01}}},
        {"adam", {{"learning_rate", 0.05}, {"weight_decay", 0.1}}},
        {"adam", {{"learning_rate", 0.05}, {"beta2", 0.9}, {"weight_decay", 0.1}, {"amsgrad", true}}},
        {"adamw", Json::object()},
        {"adamw", {{"learning_rate", 0.05}, {"weight_decay", 0.5}}},
        {"adamw", {{"learning_rate", 0.05}, {"beta2", 0.9}, {"weight_decay", 0.5}, {"amsgrad", true}}},
        {"rmsprop", Json::object()},
        {"rmsprop", {{"alpha", 0.9}, {"epsilon", 0.01}, {"weight_decay", 0.1}, {"momentum", 0.8}}},
        {"rmsprop", {{"alpha", 0.9}, {"centered", true}}},
        {"rmsprop", {{"alpha", 0.9}, {"weight_decay", 0.1}, {"momentum", 0.8}, {"centered", true}}},
        {"adagrad", Json::object()},
        {"adagrad",
         {{"learning_rate", 0.5},
          {"learning_rate_decay", 0.02},
          {"weight_decay", 0.1},
          {"initial_accumulator", 0.4},
          {"epsilon", 0.01}}},
    };
}

Json values_of(const Parameters& parameters) {
    Json result = Json::array();
    for (const torch::Tensor& p : parameters)
        result.push_back(std::vector<double>(p.data_ptr<double>(), p.data_ptr<double>() + p.numel()));
    return {{"p", result[0]}, {"q", result[1]}};
}

Json run(const std::string& name, const Json& options) {
    Parameters parameters;
    for (const std::vector<double>& values : start)
        parameters.push_back(torch::tensor(values, torch::kFloat64).requires_grad_());
    const std::unique_ptr<Optimizer> optimizer = makers.at(name)(parameters, options);
    Json values = Json::object();
    for (int n = 1; n <= shown.back(); ++n) {
        auto& group = optimizer->param_groups().front().options();
        if (n == rate_changes_at) group.set_lr(group.get_lr() * rate_changes_by);
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            torch::Tensor g = torch::zeros_like(parameters[k]);
            for (std::size_t i = 0; i < start[k].size(); ++i)
                g.data_ptr<double>()[i] = gradient_of(n, k, i, parameters[k].data_ptr<double>()[i]);
            parameters[k].mutable_grad() = g;
        }
        optimizer->step();
        if (std::find(shown.begin(), shown.end(), n) != shown.end())
            values[std::to_string(n)] = values_of(parameters);
    }
    return {{"optimizer", name}, {"options", options}, {"values", values}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: optimizers FILE\n";
        return 2;
    }
    const Json head{{"made_by", "tests/reference/optimizers.cpp with LibTorch " TORCH_VERSION},
                    {"gradient", gradient_text},
                    {"rate_changes", {{"at_step", rate_changes_at}, {"by", rate_changes_by}}},
                    {"start", {{"p", start[0]}, {"q", start[1]}}}};
    // One line for each case, so that a difference between two versions can be read.
    std::ofstream file(argv[1]);
    file << "{\n";
    for (const auto& [key, value] : head.items()) file << Json(key) << ": " << value << ",\n";
    file << "\"cases\": [";
    const char* separator = "\n";
    for (const auto& [name, options] : cases()) {
        file << separator << run(name, options);
        separator = ",\n";
    }
    file << "\n]\n}\n";
    return file ? 0 : 1;
}
