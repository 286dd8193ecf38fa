#include <fmt/format.h>
#include <autograd/study/explain/lost_cotangents.hpp>
#include <autograd/study/flow/gradient_path.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

constexpr double all_lost = -std::numeric_limits<double>::infinity();
constexpr std::size_t most_constants = 3;

/// Returns the nodes that J's value was computed from, `detach` looked through.
template <class T>
std::vector<bool> sources_of(const Tape<T>& tape, NodeIndex J) {
    std::vector<bool> is_source(J + 1, false);
    is_source[J] = true;
    for (NodeIndex node = J + 1; node-- > 0;) {
        if (!is_source[node]) continue;
        for (NodeIndex input : tape.inputs(node)) is_source[input] = true;
        if (const auto source = tape.detached_from(node)) is_source[*source] = true;
    }
    return is_source;
}

template <class T>
std::vector<Culprit> detached_on_the_way(const Tape<T>& tape, const std::vector<bool>& sources,
                                         const std::vector<bool>& depends) {
    std::vector<Culprit> culprits;
    for (NodeIndex node = 0; node < sources.size(); ++node) {
        const std::optional<NodeIndex> source = sources[node] ? tape.detached_from(node) : std::nullopt;
        if (source.has_value() && depends[*source])
            culprits.push_back({Cause::detached, node,
                                fmt::format("detached: {} ends the path, which would go on at {}",
                                            tape.describe(node), tape.describe(*source)),
                                all_lost});
    }
    return culprits;
}

/// Describes where what depends on `of` ends, and constants of J that may have been computed from it.
template <class T>
std::vector<Culprit> unused(const Tape<T>& tape, NodeIndex of, const std::vector<bool>& sources,
                            const std::vector<bool>& depends) {
    const auto last =
        static_cast<NodeIndex>(depends.rend() - std::find(depends.rbegin(), depends.rend(), true) - 1);
    const std::string ending =
        last == of ? "nothing on the tape uses it"
                   : fmt::format("the last that depends on it, {}, is not used by J", tape.describe(last));
    std::vector<Culprit> culprits{{Cause::unused, last, fmt::format("unused: {}", ending), all_lost}};
    for (NodeIndex node = of + 1; node < sources.size() && culprits.size() <= most_constants; ++node)
        if (sources[node] && tape.node(node).operation->description().kind == OperationKind::constant)
            culprits.push_back(
                {Cause::unused, node,
                 fmt::format("a path ends at {}, which was given, or computed in a Paused scope",
                             tape.describe(node)),
                 all_lost});
    return culprits;
}

template <class T>
bool is_finite(const Tape<T>& tape, NodeIndex node) {
    const auto elements = tape.array(node).elements();
    return tape.node(node).data == nullptr ||
           std::all_of(elements.begin(), elements.end(), [](T element) { return std::isfinite(element); });
}

template <class T>
Cause kind_of(const Tape<T>& tape, NodeIndex node) {
    const auto elements = tape.array(node).elements();
    const bool has_nan =
        std::any_of(elements.begin(), elements.end(), [](T element) { return std::isnan(element); });
    return has_nan ? Cause::not_a_number : Cause::overflow;
}

}  // namespace

template <class T>
std::vector<Culprit> why_no_path(const Tape<T>& tape, NodeIndex J, std::optional<NodeIndex> of) {
    if (!of.has_value()) return {{Cause::unused, J, "unused: it was never used on this tape", all_lost}};
    if (*of > J)
        return {{Cause::unused, *of, fmt::format("unused: {} was recorded after J", tape.describe(*of)),
                 all_lost}};
    const std::vector<bool> sources = sources_of(tape, J);
    const std::vector<bool> depends = dependents(tape, *of);
    std::vector<Culprit> culprits = detached_on_the_way(tape, sources, depends);
    return culprits.empty() ? unused(tape, *of, sources, depends) : culprits;
}

template <class T>
std::optional<Culprit> first_value_not_finite(const Tape<T>& tape, NodeIndex J) {
    const std::vector<bool> sources = sources_of(tape, J);
    for (NodeIndex node = 0; node <= J; ++node)
        if (sources[node] && !is_finite(tape, node)) {
            const Cause cause = kind_of(tape, node);
            return Culprit{
                cause, node,
                fmt::format("{}: the value of {} is the first that is not finite; a Watch stops there",
                            name_of(cause), tape.describe(node)),
                0};
        }
    return {};
}

std::optional<Culprit> first_cotangent_not_finite(const std::vector<PathStep>& path) {
    for (const PathStep& step : path)
        if (std::isfinite(step.in) && !std::isfinite(step.out))
            return Culprit{
                step.cause, step.node,
                fmt::format("{}: {}, {}; a Watch stops there", name_of(step.cause), step.place, step.finding),
                0};
    return {};
}

template std::vector<Culprit> why_no_path(const Tape<float>&, NodeIndex, std::optional<NodeIndex>);
template std::vector<Culprit> why_no_path(const Tape<double>&, NodeIndex, std::optional<NodeIndex>);
template std::optional<Culprit> first_value_not_finite(const Tape<float>&, NodeIndex);
template std::optional<Culprit> first_value_not_finite(const Tape<double>&, NodeIndex);

}  // namespace tapeloop::detail
