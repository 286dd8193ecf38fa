#include "model.hpp"

#include <fmt/format.h>
#include <nn/generator.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/reversed.hpp>

#include <cmath>

namespace tapeloop::conformance {
namespace {

std::size_t columns_of(const Entries& entries, const std::string& name, const std::string& where) {
    const auto entry = entries.find(name);
    if (entry == entries.end()) throw Malformed(fmt::format("{}: \"{}\" is missing", where, name));
    if (entry->second.dimension() != 2 || entry->second.shape()[1] == 0)
        throw Malformed(fmt::format("{}.{} is {}; it must be a matrix with columns", where, name,
                                    shape_of(entry->second).text()));
    return entry->second.shape()[1];
}

}  // namespace

Model::Model(const Case& c) : case_(c), inputs_(c.x.shape()[2]) {
    if (inputs_ == 0)
        throw Malformed(fmt::format("inputs.x is {}; I must be at least 1", shape_of(c.x).text()));
    while (stack_.size() < c.layers.size()) add_layer();
}

void Model::add_layer() {
    const Options& options = case_.options;
    if (case_.kind == Kind::rnn)
        add_layer_of<nn::ElmanCell<double>>(nn::ElmanOptions{options.activation});
    else if (case_.kind == Kind::lstm)
        add_lstm_layer();
    else if (options.minimal)
        add_layer_of<nn::MinimalGruCell<double>>(options.gru);
    else if (options.reset_after)
        add_layer_of<nn::GruCell<double>>(options.gru);
    else
        add_layer_of<nn::ResetBeforeGruCell<double>>(options.gru);
}

void Model::add_lstm_layer() {
    nn::LstmVariantOptions options = case_.options.lstm;
    const bool is_plain = !options.peephole && !options.coupled && !options.layer_norm &&
                          !case_.options.projection && std::isinf(options.cell_clip) &&
                          std::isinf(options.projection_clip) &&
                          options.gate_activation == nn::GateActivation::sigmoid;
    if (is_plain)
        add_layer_of<nn::LstmCell<double>>(nn::LstmOptions());
    else
        add_layer_of<nn::LstmVariantCell<double>>(options);
}

template <class C, class CellOptions>
void Model::add_layer_of(const CellOptions& options) {
    const std::size_t k = stack_.size();
    const LayerEntries& given = case_.layers[k];
    const std::string where = fmt::format("layers[{}]", k);
    const auto make = [&](const Entries& entries, const char* direction) {
        return make_cell<C>(entries, fmt::format("{}.{}", where, direction), options);
    };
    LayerNaming layer;
    if (given.forward && given.reverse) {
        const bool is_top = k + 1 == case_.layers.size();
        C forward = make(*given.forward, "forward");
        const std::size_t forward_outputs = outputs_;
        C reverse = make(*given.reverse, "reverse");
        using Both = nn::Bidirectional<C>;
        stack_.add(
            Both{std::move(forward), std::move(reverse), is_top ? case_.options.merge : nn::Merge::concat});
        Both& both = stack_.layer(k).as<Both>();
        layer.forward = fill(both.forward, *given.forward, where + ".forward");
        layer.reverse = fill(both.backward, *given.reverse, where + ".reverse");
        outputs_ += forward_outputs;
    } else if (given.forward) {
        stack_.add(make(*given.forward, "forward"));
        layer.forward = fill(stack_.layer(k).as<C>(), *given.forward, where + ".forward");
    } else {
        stack_.add(nn::Reversed<C>{make(*given.reverse, "reverse")});
        C& cell = stack_.layer(k).as<nn::Reversed<C>>().inner;
        layer.reverse = fill(cell, *given.reverse, where + ".reverse");
    }
    layers_.push_back(std::move(layer));
    inputs_ = outputs_;
}

template <class C, class CellOptions>
C Model::make_cell(const Entries& entries, const std::string& where, CellOptions options) {
    const std::size_t hidden = columns_of(entries, case_.kind == Kind::rnn ? "U" : "U.candidate", where);
    outputs_ = hidden;
    if constexpr (requires { options.projection_bias; })
        if (case_.options.projection) {
            outputs_ = columns_of(entries, "P", where);
            options.projection = outputs_;
            options.projection_bias = entries.contains("b.projection");
        }
    nn::Generator generator(0);
    return C(inputs_, hidden, generator, options);
}

template <class C>
nn::Naming<double> Model::fill(C& cell, const Entries& entries, const std::string& where) {
    nn::Naming<double> naming = naming_of(cell, case_.options);
    assign(naming, entries, where);
    return naming;
}

}  // namespace tapeloop::conformance
