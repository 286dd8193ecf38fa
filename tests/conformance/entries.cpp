#include "entries.hpp"

#include <fmt/format.h>
#include <nn/cells/gates.hpp>

#include <algorithm>

namespace tapeloop::conformance {
namespace {

/// One entry `name.gate` for each gate of a packed parameter.
template <class Names>
void add_gates(Places& places, const std::string& name, Parameter<double>& parameter, const Names& names,
               bool is_bias = false) {
    for (std::string_view gate : names)
        places.push_back({fmt::format("{}.{}", name, gate),
                          &parameter,
                          {names.begin(), names.end()},
                          std::string(gate),
                          is_bias});
}

void add(Places& places, const std::string& name, Parameter<double>& parameter, bool is_bias = false) {
    places.push_back({name, &parameter, {}, "", is_bias});
}

template <class C>
Places packed_places(C& cell) {
    Places places;
    add_gates(places, "U", cell.U, cell.gate_names());
    add_gates(places, "W", cell.W, cell.gate_names());
    add_gates(places, "b", cell.b, cell.gate_names(), true);
    return places;
}

}  // namespace

Shape Place::shape() const {
    if (gates.empty()) return parameter->shape();
    return nn::gate_block(*parameter, gates, gate).shape();
}

Tensor<double> Place::part(const Tensor<double>& packed) const {
    return gates.empty() ? packed : nn::gate_part(packed, gates, gate);
}

Places places_of(nn::ElmanCell<double>& cell, const Options&) {
    Places places;
    add(places, "U", cell.U);
    add(places, "W", cell.W);
    add(places, "b", cell.b, true);
    return places;
}

Places places_of(nn::LstmCell<double>& cell, const Options&) { return packed_places(cell); }

Places places_of(nn::LstmVariantCell<double>& cell, const Options& options) {
    Places places = packed_places(cell);
    if (options.lstm.peephole) add_gates(places, "p", cell.p, cell.peephole_names());
    if (options.lstm.layer_norm) add_gates(places, "gamma", cell.gamma, cell.gate_names());
    if (options.projection) add(places, "P", cell.P);
    if (options.projection) add(places, "b.projection", cell.b_projection, true);
    return places;
}

Places places_of(nn::GruCell<double>& cell, const Options&) {
    Places places = packed_places(cell);
    add(places, "b_recurrent.candidate", cell.b_recurrent, true);
    return places;
}

Places places_of(nn::ResetBeforeGruCell<double>& cell, const Options&) {
    Places places;
    add_gates(places, "U", cell.U, cell.gate_names());
    add_gates(places, "W", cell.W, cell.recurrent_gate_names());
    add(places, "W.candidate", cell.W_candidate);
    add_gates(places, "b", cell.b, cell.gate_names(), true);
    return places;
}

Places places_of(nn::MinimalGruCell<double>& cell, const Options& options) {
    Places places = packed_places(cell);
    if (!options.reset_after) return places;
    // Inside a reset product with r = 1 it is one more bias.
    Place recurrent = places.back();
    recurrent.entry = "b_recurrent.candidate";
    recurrent.is_added = true;
    places.push_back(recurrent);
    return places;
}

void assign(const Places& places, const Entries& entries, const std::string& where) {
    for (const auto& [name, tensor] : entries)
        if (std::none_of(places.begin(), places.end(), [&](const Place& one) { return one.entry == name; }))
            throw Malformed(
                fmt::format("{}: \"{}\" is no parameter of this cell with these options", where, name));
    for (const Place& place : places) {
        const auto entry = entries.find(place.entry);
        if (entry == entries.end() && !place.is_bias)
            throw Malformed(fmt::format("{}: \"{}\" is missing", where, place.entry));
        if (entry != entries.end() && shape_of(entry->second) != place.shape())
            throw Malformed(fmt::format("{}.{} is {}; it must be {}", where, place.entry,
                                        shape_of(entry->second).text(), place.shape().text()));
        Tensor<double> value =
            place.is_added ? place.part(place.parameter->value()) : nn::zeros<double>(place.shape());
        if (entry != entries.end()) value += entry->second;
        if (place.gates.empty())
            place.parameter->assign(value);
        else
            nn::gate_block(*place.parameter, place.gates, place.gate).assign(value);
    }
}

Entries gradient_entries(const Places& places, const Gradients<double>& gradients) {
    Entries entries;
    for (const Place& place : places) entries.emplace(place.entry, place.part(gradients[*place.parameter]));
    return entries;
}

}  // namespace tapeloop::conformance
