#include <autograd/study/flow/gate_roles.hpp>

#include <algorithm>
#include <set>

namespace tapeloop {

std::string_view name_of(GateRole role) {
    switch (role) {
        case GateRole::none:
            return "none";
        case GateRole::keep:
            return "keep";
        case GateRole::write:
            return "write";
        case GateRole::read:
            return "read";
        case GateRole::reset:
            return "reset";
        case GateRole::keep_else_write:
            return "keep else write";
        case GateRole::write_else_keep:
            return "write else keep";
    }
    return "";
}

namespace detail {

/// What a gate was seen to scale, by itself or by 1 minus it.
template <class T>
struct GateRoles<T>::Uses {
    bool keeps = false;
    bool keeps_by_complement = false;
    bool writes = false;
    bool reads = false;
    bool resets = false;
};

template <class T>
GateRoles<T>::GateRoles(const Tape<T>& tape, const TimeLoops& loops)
    : tape_(tape), loops_(loops), users_(tape.size()) {
    for (const auto& [node, place] : loops.places)
        for (NodeIndex input : tape.inputs(node)) {
            const auto home = loops.places.find(input);
            const bool same_step = home != loops.places.end() && home->second.loop == place.loop &&
                                   home->second.order == place.order;
            if (same_step) users_[input].push_back(node);
        }
}

template <class T>
GateRole GateRoles<T>::of(NodeIndex node) const {
    if (!tape_.node(node).operation->description().is_gate || loops_.places.at(node).order == 0)
        return GateRole::none;
    Uses uses;
    for (NodeIndex user : users_[node]) {
        if (kind(user) == OperationKind::factor) add(user, node, false, uses);
        if (!is_complement_of(user, node)) continue;
        for (NodeIndex product : users_[user])
            if (kind(product) == OperationKind::factor) add(product, user, true, uses);
    }
    if (uses.keeps && uses.writes) return GateRole::keep_else_write;
    if (uses.keeps_by_complement) return GateRole::write_else_keep;
    if (uses.keeps) return GateRole::keep;
    if (uses.reads) return GateRole::read;
    if (uses.resets) return GateRole::reset;
    return uses.writes ? GateRole::write : GateRole::none;
}

/// Notes what the other factor of a product is.
template <class T>
void GateRoles<T>::add(NodeIndex product, NodeIndex gate, bool is_complement, Uses& uses) const {
    const auto inputs = tape_.inputs(product);
    const NodeIndex other = inputs[0] == gate ? inputs[inputs.size() - 1] : inputs[0];
    const auto is_product = [this](NodeIndex user) { return kind(user) == OperationKind::product; };
    if (is_from_before(other, gate)) {
        if (std::any_of(users_[product].begin(), users_[product].end(), is_product))
            uses.resets = true;
        else
            (is_complement ? uses.keeps_by_complement : uses.keeps) = true;
    } else if (reaches_back(other, gate, OperationKind::product)) {
        uses.reads = true;  // without a product with weights: what it scales is made of the state itself
    } else if (reaches_back(other, gate, OperationKind::activation)) {
        uses.resets = true;  // before anything was made of it
    } else {
        uses.writes = true;
    }
}

/// Returns whether a node is of an earlier step of the gate's loop, or a part of one.
template <class T>
bool GateRoles<T>::is_from_before(NodeIndex node, NodeIndex gate) const {
    const StepPlace& own = loops_.places.at(gate);
    while (true) {
        const auto place = loops_.places.find(node);
        if (place == loops_.places.end() || place->second.loop != own.loop) return false;
        if (place->second.order < own.order) return true;
        const OperationKind its = kind(node);
        const bool is_part = its == OperationKind::slice || its == OperationKind::result ||
                             its == OperationKind::layout || its == OperationKind::split;
        if (!is_part || tape_.inputs(node).empty()) return false;
        node = tape_.inputs(node)[0];
    }
}

/// Returns whether a node depends on an earlier step along a path without operations of one kind, and without
/// gates.
template <class T>
bool GateRoles<T>::reaches_back(NodeIndex node, NodeIndex gate, OperationKind stop) const {
    std::vector<NodeIndex> open{node};
    std::set<NodeIndex> seen;
    while (!open.empty()) {
        const NodeIndex at = open.back();
        open.pop_back();
        if (!seen.insert(at).second) continue;
        if (is_from_before(at, gate)) return true;
        const bool is_inside = loops_.places.contains(at) &&
                               loops_.places.at(at).order == loops_.places.at(gate).order &&
                               loops_.places.at(at).loop == loops_.places.at(gate).loop;
        const bool is_gate = tape_.node(at).operation->description().is_gate;
        if (!is_inside || is_gate || kind(at) == stop) continue;
        open.insert(open.end(), tape_.inputs(at).begin(), tape_.inputs(at).end());
    }
    return false;
}

/// Returns whether a node is 1 minus the gate.
template <class T>
bool GateRoles<T>::is_complement_of(NodeIndex node, NodeIndex gate) const {
    if (kind(node) != OperationKind::subtraction) return false;
    const auto inputs = tape_.inputs(node);
    const Array<T> first = tape_.array(inputs[0]);
    return inputs[1] == gate && tape_.inputs(inputs[0]).empty() &&
           std::all_of(first.data(), first.data() + first.size(), [](T element) { return element == T(1); });
}

template class GateRoles<float>;
template class GateRoles<double>;

}  // namespace detail

}  // namespace tapeloop
