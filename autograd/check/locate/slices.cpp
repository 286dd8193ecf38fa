#include <fmt/format.h>
#include <autograd/check/judge/differences.hpp>
#include <autograd/check/locate/slice_names.hpp>
#include <autograd/check/locate/slices.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

using Maybe = std::optional<Diagnosed>;

// Along longer axes orders are not looked for: each slice would be compared with each.
constexpr std::size_t longest_order = 256;

/// Returns, for each of the tape's slices, the slice of the numeric gradient that equals it.
std::optional<Slices> permutation(const Evidence& evidence, const Fit& fit, const AxisLoops& loops) {
    Slices sources;
    std::vector<bool> taken(loops.extent, false);
    for (std::size_t k = 0; k < loops.extent; ++k) {
        std::size_t source = 0;
        for (; source < loops.extent; ++source) {
            if (taken[source]) continue;
            bool same = true;
            for (std::size_t outer = 0; same && outer < loops.outer; ++outer)
                for (std::size_t inner = 0; same && inner < loops.inner; ++inner) {
                    const std::size_t here = (outer * loops.extent + k) * loops.inner + inner;
                    const std::size_t there = loops.moved(here, source);
                    same = fit.is_known(here) && fit.is_known(there) &&
                           fit.near(here, evidence.tape[here], evidence.numeric[there]);
                }
            if (same) break;
        }
        if (source == loops.extent) return {};
        taken[source] = true;
        sources.push_back(source);
    }
    if (std::is_sorted(sources.begin(), sources.end())) return {};
    return sources;
}

bool is_reversed(const Slices& sources) {
    for (std::size_t k = 0; k < sources.size(); ++k)
        if (sources[k] != sources.size() - 1 - k) return false;
    return true;
}

/// The right gradient, shifted; the slice without a source is the tape's own, since a shift that the rule
/// forgets leaves anything there.
Elements shifted(const Evidence& evidence, const AxisLoops& loops, std::ptrdiff_t by) {
    Elements result = evidence.tape;
    for (std::size_t i = 0; i < result.size(); ++i) {
        const auto source = static_cast<std::ptrdiff_t>(loops.slice_of(i)) - by;
        if (source >= 0 && source < static_cast<std::ptrdiff_t>(loops.extent))
            result[i] = evidence.numeric[loops.moved(i, static_cast<std::size_t>(source))];
    }
    return result;
}

/// The gates' axis as loops over gates.
AxisLoops gate_loops(const Evidence& evidence) {
    AxisLoops loops(evidence.shape, evidence.shape.rank() - 1);
    loops.inner = loops.extent / evidence.info.gates.size();
    loops.extent = evidence.info.gates.size();
    return loops;
}

Maybe exchanged_gates(const Evidence& evidence, const Fit& fit) {
    if (evidence.info.gates.size() < 2) return {};
    const auto sources = permutation(evidence, fit, gate_loops(evidence));
    if (!sources.has_value()) return {};
    std::string text = "the blocks of the gates are exchanged:";
    for (std::size_t k = 0; k < sources->size(); ++k)
        if ((*sources)[k] != k)
            text += fmt::format(" `{}` has the gradient of `{}`,", evidence.info.gates[k],
                                evidence.info.gates[(*sources)[k]]);
    text.pop_back();
    return Diagnosed{Diagnosis::gate, text};
}

enum class State { right, wrong, neutral };

std::vector<State> states_of(const Evidence& evidence, const Fit& fit, const AxisLoops& loops) {
    std::vector<State> states(loops.extent, State::neutral);
    for (std::size_t i = 0; i < evidence.tape.size(); ++i) {
        if (!fit.is_known(i)) continue;
        State& state = states[loops.slice_of(i)];
        if (!fit.is_right(i))
            state = State::wrong;
        else if (state == State::neutral && !fit.is_neutral(i))
            state = State::right;
    }
    return states;
}

Slices slices_in(const std::vector<State>& states, State wanted) {
    Slices slices;
    for (std::size_t k = 0; k < states.size(); ++k)
        if (states[k] == wanted) slices.push_back(k);
    return slices;
}

/// Returns whether nearly all that there is in these slices is wrong: else they are places of elements.
bool are_filled(const Evidence& evidence, const Fit& fit, const AxisLoops& loops, const Slices& slices) {
    std::size_t wrong = 0;
    std::size_t told = 0;
    for (std::size_t i = 0; i < evidence.tape.size(); ++i) {
        if (!fit.is_known(i) || (fit.is_right(i) && fit.is_neutral(i))) continue;
        if (!std::binary_search(slices.begin(), slices.end(), loops.slice_of(i))) continue;
        ++told;
        wrong += fit.is_right(i) ? 0U : 1U;
    }
    return wrong > slices.size() / 2 && 10 * wrong >= 9 * told;
}

bool is_zero_in(const Evidence& evidence, const AxisLoops& loops, const Slices& slices) {
    for (std::size_t i = 0; i < evidence.tape.size(); ++i)
        if (evidence.tape[i] != 0 && std::binary_search(slices.begin(), slices.end(), loops.slice_of(i)))
            return false;
    return true;
}

/// Describes the values of some slices alone.
std::string values_text(const Evidence& evidence, const AxisLoops& loops, const Slices& slices) {
    Evidence part = evidence;
    for (std::size_t i = 0; i < part.tape.size(); ++i) {
        if (std::binary_search(slices.begin(), slices.end(), loops.slice_of(i))) continue;
        part.tape[i] = part.numeric[i] = 0;
        part.tolerance[i] = -1;
    }
    const Maybe found = explain_values(part);
    if (!found.has_value()) return "";
    switch (found->diagnosis) {
        case Diagnosis::no_gradient:
            return "; nothing arrives there";
        case Diagnosis::sign:
            return "; there the sign is wrong";
        case Diagnosis::factor:
            return fmt::format("; there it is {:.6g} times the right one", found->factor);
        default:
            return "";
    }
}

Maybe wrong_steps(const Evidence& evidence, const Fit& fit) {
    const std::optional<std::size_t> axis = time_axis(evidence.info);
    if (!axis.has_value()) return {};
    const AxisLoops loops(evidence.shape, *axis);
    const std::vector<State> states = states_of(evidence, fit, loops);
    const Slices wrong = slices_in(states, State::wrong);
    const Slices right = slices_in(states, State::right);
    if (wrong.empty() || right.empty() || !are_filled(evidence, fit, loops, wrong)) return {};
    const std::string values = values_text(evidence, loops, wrong);
    if (loops.extent > 2 && right == Slices{0})
        return Diagnosed{Diagnosis::first_step_only, "only the first time step is right" + values};
    if (loops.extent > 2 && right == Slices{loops.extent - 1})
        return Diagnosed{Diagnosis::last_step_only, "only the last time step is right" + values};
    if (is_zero_in(evidence, loops, wrong))
        return Diagnosed{Diagnosis::time_step_missing,
                         fmt::format("nothing arrives at {}", steps_text(wrong, evidence.info, *axis))};
    return Diagnosed{Diagnosis::time_step,
                     fmt::format("{} {} wrong, the others right{}", steps_text(wrong, evidence.info, *axis),
                                 wrong.size() == 1 ? "is" : "are", values)};
}

/// The axis along which the wrong slices are the smallest share.
Maybe wrong_part(const Evidence& evidence, const Fit& fit) {
    double smallest = 1;
    Maybe best;
    for (std::size_t axis = 0; axis < evidence.shape.rank(); ++axis) {
        const AxisLoops loops(evidence.shape, axis);
        const std::vector<State> states = states_of(evidence, fit, loops);
        const Slices wrong = slices_in(states, State::wrong);
        const double share = static_cast<double>(wrong.size()) / static_cast<double>(loops.extent);
        const bool is_element = loops.outer * loops.inner == 1;
        if (share >= smallest || slices_in(states, State::right).empty() || is_element) continue;
        if (!are_filled(evidence, fit, loops, wrong)) continue;
        smallest = share;
        best = Diagnosed{Diagnosis::part,
                         fmt::format("only {} {} wrong{}", steps_text(wrong, evidence.info, axis),
                                     wrong.size() == 1 ? "is" : "are", values_text(evidence, loops, wrong))};
    }
    return best;
}

}  // namespace

std::optional<Diagnosed> order_of_input(const Evidence& evidence, const Fit& fit) {
    if (Maybe found = exchanged_gates(evidence, fit)) return found;
    for (std::size_t axis = 0; axis < evidence.shape.rank(); ++axis) {
        const AxisLoops loops(evidence.shape, axis);
        if (loops.extent < 2 || loops.extent > longest_order) continue;
        if (const auto sources = permutation(evidence, fit, loops))
            return Diagnosed{order_along(evidence.info, axis),
                             fmt::format("the {} of the gradient are {}", noun(evidence.info, axis),
                                         is_reversed(*sources) ? "in reverse order"
                                                               : "in the order " + list_text(*sources))};
        for (const std::ptrdiff_t by : {1, -1})
            if (loops.extent > 2 && fit.fits(shifted(evidence, loops, by)))
                return Diagnosed{order_along(evidence.info, axis),
                                 fmt::format("the {} are {} by one", noun(evidence.info, axis),
                                             by > 0 ? "late" : "early")};
    }
    return {};
}

std::optional<Diagnosed> wrong_gates(const Evidence& evidence, const Fit& fit) {
    if (evidence.info.gates.size() < 2) return {};
    const AxisLoops loops = gate_loops(evidence);
    const std::vector<State> states = states_of(evidence, fit, loops);
    const Slices wrong = slices_in(states, State::wrong);
    if (wrong.empty() || slices_in(states, State::right).empty()) return {};
    if (!are_filled(evidence, fit, loops, wrong)) return {};
    std::string names;
    for (std::size_t k : wrong) names += (names.empty() ? "`" : ", `") + evidence.info.gates[k] + "`";
    return Diagnosed{Diagnosis::gate, fmt::format("only the block of gate {} is wrong{}", names,
                                                  values_text(evidence, loops, wrong))};
}

std::optional<Diagnosed> elements_of_input(const Evidence& evidence, const Fit& fit) {
    constexpr std::size_t most_named = 4;
    std::size_t told = 0;
    Slices wrong;
    for (std::size_t i = 0; i < evidence.tape.size(); ++i) {
        if (!fit.is_known(i) || (fit.is_right(i) && fit.is_neutral(i))) continue;
        ++told;
        if (!fit.is_right(i)) wrong.push_back(i);
    }
    if (wrong.empty() || 4 * wrong.size() > told) return {};
    std::string places;
    for (std::size_t k = 0; k < std::min(wrong.size(), most_named); ++k) {
        CheckedElement one;
        one.position = position_of(wrong[k], evidence.shape);
        places += (k == 0 ? "" : ", ") + one.place();
    }
    return Diagnosed{Diagnosis::elements, fmt::format("{} of {} elements {} wrong, in no whole slices: {}{}",
                                                      wrong.size(), told, wrong.size() == 1 ? "is" : "are",
                                                      places, wrong.size() > most_named ? ", .." : "")};
}

std::optional<Diagnosed> slices_of_input(const Evidence& evidence, const Fit& fit) {
    if (Maybe found = wrong_steps(evidence, fit)) return found;
    return wrong_part(evidence, fit);
}

}  // namespace tapeloop::detail
