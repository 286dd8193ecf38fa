#include "read.hpp"

#include "json.hpp"
#include "options.hpp"

#include <fmt/format.h>

#include <fstream>

namespace tapeloop::conformance {
namespace {

std::optional<Tensor<double>> optional_tensor(const Json& json, const std::string& key) {
    const auto member = json.find(key);
    if (!member) return std::nullopt;
    return member->tensor();
}

std::optional<Entries> read_entries(const Json& layer, const std::string& direction) {
    const auto member = layer.find(direction);
    if (!member) return std::nullopt;
    Entries entries;
    for (const auto& [name, tensor] : member->members()) entries.emplace(name, tensor.tensor());
    return entries;
}

std::vector<LayerEntries> read_layers(const Json& list) {
    std::vector<LayerEntries> layers;
    for (const Json& layer : list.elements()) {
        layer.allow({"forward", "reverse"});
        layers.push_back({read_entries(layer, "forward"), read_entries(layer, "reverse")});
    }
    return layers;
}

Results read_results(const Json& json) {
    return {optional_tensor(json, "output"), optional_tensor(json, "h"), optional_tensor(json, "c")};
}

bool is_empty(const Results& results) { return !results.output && !results.h && !results.c; }

LayerGradients read_gradients(const Json& json) {
    json.allow({"x", "h0", "c0", "layers"});
    LayerGradients gradients{
        optional_tensor(json, "x"), optional_tensor(json, "h0"), optional_tensor(json, "c0"), {}};
    if (const auto layers = json.find("layers")) gradients.layers = read_layers(*layers);
    return gradients;
}

void read_inputs(const Json& inputs, Case& into) {
    inputs.allow({"x", "lengths", "h0", "c0"});
    into.x = inputs.at("x").tensor();
    if (into.x.dimension() != 3) inputs.at("x").fail("must be [T, B, I]");
    into.h0 = optional_tensor(inputs, "h0");
    into.c0 = optional_tensor(inputs, "c0");
    if (const auto lengths = inputs.find("lengths")) {
        for (const Json& length : lengths->elements()) into.lengths.push_back(length.count());
        for (std::size_t length : into.lengths)
            if (length > into.x.shape()[0])
                lengths->fail(fmt::format("{} is above T, which is {}", length, into.x.shape()[0]));
        if (into.lengths.size() != into.x.shape()[1])
            lengths->fail(
                fmt::format("there are {} for {} rows of x", into.lengths.size(), into.x.shape()[1]));
    }
}

void read_expected(const Json& json, Case& into) {
    const Json expected = json.at("expected");
    expected.allow({"output", "h", "c", "gradients"});
    into.expected = read_results(expected);
    if (const auto objective = json.find("objective")) {
        objective->allow({"output", "h", "c"});
        into.objective = read_results(*objective);
    }
    if (const auto gradients = expected.find("gradients")) {
        if (is_empty(into.objective)) gradients->fail("an \"objective\" is missing, which they are of");
        into.gradients = read_gradients(*gradients);
    }
    if (is_empty(into.expected) && !into.gradients) expected.fail("nothing is expected");
}

void read_tolerance(const Json& tolerance, Case& into) {
    tolerance.allow({"absolute", "relative"});
    into.absolute = tolerance.at("absolute").number();
    into.relative = tolerance.at("relative").number();
    if (!(into.absolute >= 0 && into.relative >= 0)) tolerance.fail("must not be negative");
}

void read_case(const Json& json, Case& into) {
    // A misspelt key would take its check along.
    json.allow(
        {"name", "source", "cell", "options", "layers", "inputs", "expected", "objective", "tolerance"});
    read_options(json, into);
    if (!into.missing.empty()) return;
    into.layers = read_layers(json.at("layers"));
    if (into.layers.empty()) json.at("layers").fail("there must be one at least");
    for (const LayerEntries& layer : into.layers)
        if (!layer.forward && !layer.reverse)
            json.at("layers").fail("each must have \"forward\", \"reverse\" or both");
    read_inputs(json.at("inputs"), into);
    read_expected(json, into);
    read_tolerance(json.at("tolerance"), into);
}

Case case_of(const Json& listed) {
    Case result;
    try {
        result.name = listed.at("name").text();
        read_case(listed.root(), result);
    } catch (const Malformed& error) {
        if (result.name.empty()) throw;
        result.malformed = error.what();
    }
    return result;
}

}  // namespace

std::vector<Case> read_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw Malformed(fmt::format("{}: cannot be read", path));
    std::vector<Case> cases;
    try {
        const nlohmann::json parsed = nlohmann::json::parse(file);
        const Json whole(parsed, "");
        whole.allow({"meta", "cases"});
        for (const Json& one : whole.at("cases").elements()) cases.push_back(case_of(one));
    } catch (const nlohmann::json::exception& error) {
        throw Malformed(fmt::format("{}: {}", path, error.what()));
    } catch (const Malformed& error) {
        throw Malformed(fmt::format("{}: {}", path, error.what()));
    }
    return cases;
}

}  // namespace tapeloop::conformance
