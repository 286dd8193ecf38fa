#include "options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace tapeloop::conformance {
namespace {

struct Option {
    std::string_view name;
    std::string_view cells;  ///< those that have it
    nlohmann::json usual;    ///< its value where it is not given
    /// False for a value that this runner does not know.
    std::function<bool(const Json&, Options&)> read;
};

/// An option whose value is one of some texts.
template <class Choice, class Set>
auto choice(std::initializer_list<std::pair<std::string_view, Choice>> choices, const Set& set) {
    return [known = std::vector(choices), set](const Json& value, Options& options) {
        const std::string text = value.text();
        for (const auto& [name, meant] : known)
            if (name == text) {
                set(options) = meant;
                return true;
            }
        return false;
    };
}

template <class Set>
auto flag(const Set& set) {
    return [set](const Json& value, Options& options) {
        set(options) = value.truth();
        return true;
    };
}

template <class Set>
auto number(const Set& set) {
    return [set](const Json& value, Options& options) {
        set(options) = value.number();
        if (!(set(options) >= 0)) value.fail("must be at least 0");
        return true;
    };
}

const std::vector<Option>& known_options() {
    using nn::Activation, nn::GateActivation, nn::Merge, nn::Update;
    static const std::vector<Option> list = {
        {"activation", "rnn", "tanh",
         choice<Activation>(
             {{"tanh", Activation::tanh}, {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid}},
             [](Options& o) -> Activation& { return o.activation; })},
        {"peephole", "lstm", false, flag([](Options& o) -> bool& { return o.lstm.peephole; })},
        {"projection", "lstm", false, flag([](Options& o) -> bool& { return o.projection; })},
        {"coupled", "lstm", false, flag([](Options& o) -> bool& { return o.lstm.coupled; })},
        {"reset", "gru", "before",
         choice<bool>({{"before", false}, {"after", true}},
                      [](Options& o) -> bool& { return o.reset_after; })},
        {"update", "gru", "keeps",
         choice<Update>({{"keeps", Update::keeps}, {"takes", Update::takes}},
                        [](Options& o) -> Update& { return o.gru.update; })},
        {"minimal", "gru", false, flag([](Options& o) -> bool& { return o.minimal; })},
        {"layer_norm", "lstm", false, flag([](Options& o) -> bool& { return o.lstm.layer_norm; })},
        {"layer_norm_epsilon", "lstm", nullptr,
         number([](Options& o) -> double& { return o.lstm.layer_norm_epsilon; })},
        {"gate_activation", "lstm gru", "sigmoid",
         choice<GateActivation>(
             {{"sigmoid", GateActivation::sigmoid}, {"hard_sigmoid_0.2", GateActivation::hard_sigmoid}},
             [](Options& o) -> GateActivation& { return o.lstm.gate_activation; })},
        {"cell_clip", "lstm", nullptr, number([](Options& o) -> double& { return o.lstm.cell_clip; })},
        {"projection_clip", "lstm", nullptr,
         number([](Options& o) -> double& { return o.lstm.projection_clip; })},
        {"merge", "rnn lstm gru", "concat",
         choice<Merge>({{"concat", Merge::concat},
                        {"sum", Merge::sum},
                        {"product", Merge::product},
                        {"average", Merge::average}},
                       [](Options& o) -> Merge& { return o.merge; })},
    };
    return list;
}

/// Says what is missing for this option; empty if nothing is.
std::string read_option(const std::string& name, const Json& value, const std::string& cell, Options& into) {
    const auto& known = known_options();
    const auto option =
        std::find_if(known.begin(), known.end(), [&](const Option& one) { return one.name == name; });
    if (option == known.end()) return name;
    if (value.is(nullptr) || value.is(option->usual)) return "";
    if (option->cells.find(cell) == std::string_view::npos) return fmt::format("{} for {}", name, cell);
    return option->read(value, into) ? "" : fmt::format("{} \"{}\"", name, value.text());
}

}  // namespace

void read_options(const Json& json, Case& into) {
    const std::string cell = json.at("cell").text();
    if (cell == "rnn")
        into.kind = Kind::rnn;
    else if (cell == "lstm")
        into.kind = Kind::lstm;
    else if (cell == "gru")
        into.kind = Kind::gru;
    else
        into.missing = fmt::format("cell \"{}\"", cell);
    const auto options = json.find("options");
    if (!options) return;
    for (const auto& [name, value] : options->members())
        if (into.missing.empty()) into.missing = read_option(name, value, cell, into.options);
    into.options.gru.gate_activation = into.options.lstm.gate_activation;
}

}  // namespace tapeloop::conformance
