#include "entries.hpp"

#include <fmt/format.h>
#include <nn/files/weights/transfer.hpp>
#include <nn/files/weights/weights.hpp>

#include <algorithm>

namespace tapeloop::conformance {
namespace {

using Naming = nn::Naming<double>;

const nn::Arrangement bias{.is_bias = true};

/// One entry `name.gate` for each gate of a packed parameter.
template <class Names>
void add_gates(Naming& naming, const std::string& name, Parameter<double>& parameter, const Names& gates,
               const nn::Arrangement& how = {}) {
    for (const std::string_view gate : gates)
        naming.add(fmt::format("{}.{}", name, gate), {parameter, gates, gate}, how);
}

template <class C>
Naming packed_naming(C& cell) {
    Naming naming;
    add_gates(naming, "U", cell.U, cell.gate_names());
    add_gates(naming, "W", cell.W, cell.gate_names());
    add_gates(naming, "b", cell.b, cell.gate_names(), bias);
    return naming;
}

}  // namespace

Naming naming_of(nn::ElmanCell<double>& cell, const Options&) {
    Naming naming;
    naming.add("U", cell.U).add("W", cell.W).add("b", cell.b, bias);
    return naming;
}

Naming naming_of(nn::LstmCell<double>& cell, const Options&) { return packed_naming(cell); }

Naming naming_of(nn::LstmVariantCell<double>& cell, const Options& options) {
    Naming naming = packed_naming(cell);
    if (options.lstm.peephole) add_gates(naming, "p", cell.p, cell.peephole_names());
    if (options.lstm.layer_norm) add_gates(naming, "gamma", cell.gamma, cell.gate_names());
    if (options.projection) naming.add("P", cell.P);
    if (cell.options.projection_bias) naming.add("b.projection", cell.b_projection, bias);
    return naming;
}

Naming naming_of(nn::GruCell<double>& cell, const Options&) {
    Naming naming = packed_naming(cell);
    naming.add("b_recurrent.candidate", cell.b_recurrent, bias);
    return naming;
}

Naming naming_of(nn::ResetBeforeGruCell<double>& cell, const Options&) {
    Naming naming;
    add_gates(naming, "U", cell.U, cell.gate_names());
    add_gates(naming, "W", cell.W, cell.recurrent_gate_names());
    naming.add("W.candidate", cell.W_candidate);
    add_gates(naming, "b", cell.b, cell.gate_names(), bias);
    return naming;
}

Naming naming_of(nn::MinimalGruCell<double>& cell, const Options& options) {
    Naming naming = packed_naming(cell);
    // Inside a reset product with r = 1 it is one more bias.
    if (options.reset_after)
        naming.add("b_recurrent.candidate", {cell.b, cell.gate_names(), "candidate"},
                   {.is_bias = true, .is_second = true});
    return naming;
}

void assign(const Naming& naming, const Entries& entries, const std::string& where) {
    const auto is_known = [&](const std::string& name) {
        return std::any_of(naming.begin(), naming.end(), [&](const auto& one) { return one.name() == name; });
    };
    for (const auto& [name, tensor] : entries)
        if (!is_known(name))
            throw Malformed(
                fmt::format("{}: \"{}\" is no parameter of this cell with these options", where, name));
    for (const auto& array : naming) {
        const auto entry = entries.find(array.name());
        if (entry == entries.end() && !array.is_bias())
            throw Malformed(fmt::format("{}: \"{}\" is missing", where, array.name()));
        if (entry != entries.end() && shape_of(entry->second) != array.shape())
            throw Malformed(fmt::format("{}.{} is {}; it must be {}", where, array.name(),
                                        shape_of(entry->second).text(), array.shape().text()));
    }
    nn::load(nn::NamedArrays{{entries.begin(), entries.end()}, {}}, naming, {.without_biases = true});
}

Entries gradient_entries(const Naming& naming, const Gradients<double>& gradients) {
    const auto gradient_of = [&](const Parameter<double>& parameter) -> const Tensor<double>& {
        return gradients[parameter];
    };
    Entries entries;
    for (const auto& [name, array] :
         nn::detail::copied(nn::detail::outgoing<double>(naming, gradient_of, nn::detail::Second::same))
             .arrays)
        entries.emplace(name, std::get<Tensor<double>>(array));
    return entries;
}

}  // namespace tapeloop::conformance
