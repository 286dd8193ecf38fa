#include <fmt/format.h>
#include <autograd/sweep/sweep.hpp>
#include <autograd/watch.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
ValueRange range_of(std::string name, const Shape& shape, const T* elements) {
    ValueRange range{std::move(name), shape};
    bool any = false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const auto element = static_cast<double>(elements[i]);
        if (std::isnan(element)) ++range.nan;
        if (std::isinf(element)) ++range.infinite;
        if (!std::isfinite(element)) continue;
        range.min = any ? std::min(range.min, element) : element;
        range.max = any ? std::max(range.max, element) : element;
        any = true;
    }
    return range;
}

template <class T>
bool all_finite(const T* elements, std::size_t size) {
    return std::all_of(elements, elements + size, [](T element) { return std::isfinite(element); });
}

template <class T>
bool any_nan(const T* elements, std::size_t size) {
    return std::any_of(elements, elements + size, [](T element) { return std::isnan(element); });
}

/// The node whose operation computed `node`: for one of several results, the one in front of them.
template <class T>
NodeIndex maker_of(const Tape<T>& tape, NodeIndex node) {
    const auto inputs = tape.inputs(node);
    if (inputs.size() != 1) return node;
    const NodeIndex results = tape.node(inputs[0]).results;
    return results != result_mark && node - inputs[0] <= results ? inputs[0] : node;
}

template <class T>
std::vector<ValueRange> inputs_of(const Tape<T>& tape, NodeIndex maker) {
    std::vector<ValueRange> ranges;
    for (NodeIndex input : tape.inputs(maker)) {
        const Node<T>& node = tape.node(input);
        if (node.data == nullptr) continue;
        ranges.push_back(range_of(fmt::format("argument {}, {}", ranges.size(), tape.describe(input)),
                                  node.shape, node.data));
    }
    return ranges;
}

template <class T>
NonFinite::Details details_of(const Tape<T>& tape, NodeIndex maker) {
    const Node<T>& node = tape.node(maker);
    NonFinite::Details details;
    details.operation = node.operation->name();
    // A parameter's node gets its name when it is there, which it is not yet.
    const auto parameter = tape.parameter(maker);
    const std::string name = parameter != nullptr ? parameter->name : tape.name(maker);
    if (!name.empty()) details.operation += " '" + name + "'";
    details.label = tape.label(maker);
    details.file = node.site.file_name();
    details.line = node.site.line();
    details.inputs = inputs_of(tape, maker);
    return details;
}

/// An infinity that an argument already had is not the first one.
bool has_infinity(const std::vector<ValueRange>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [](const ValueRange& range) { return range.infinite != 0; });
}

std::string text_of(const NonFinite::Details& details, const std::string& context) {
    const std::string file = std::filesystem::path(details.file).filename().string();
    std::string text = fmt::format("watch: {} {} is not finite ({}:{}{}{}){}\n  {}: {}",
                                   details.forward ? "the value of" : "a cotangent from the rules of",
                                   details.operation, file, details.line, details.label.empty() ? "" : ", ",
                                   details.label, context, details.result.name, details.result.text());
    for (const ValueRange& range : details.inputs)
        text += fmt::format("\n  {}: {}", range.name, range.text());
    return text;
}

}  // namespace

std::string ValueRange::text() const {
    std::string text = shape.text();
    if (nan + infinite < shape.size()) text += fmt::format(", {:.6g} to {:.6g}", min, max);
    if (nan != 0) text += fmt::format(", {} NaN", nan);
    if (infinite != 0) text += fmt::format(", {} infinite", infinite);
    return text;
}

NonFinite::NonFinite(Details details, const std::string& context)
    : std::runtime_error(text_of(details, context)), details_(std::move(details)) {}

NonFinite NonFinite::while_differentiating(const std::string& node) const {
    return NonFinite(details_, ", recorded as part of a rule of " + node);
}

namespace {

// A node that is not finite is taken back before the throw.
template <class T>
void require_finite_value(Tape<T>& tape, NodeIndex node) {
    const Node<T>& made = tape.node(node);
    if (made.data == nullptr || all_finite(made.data, made.shape.size())) return;
    const NodeIndex maker = maker_of(tape, node);
    NonFinite::Details details = details_of(tape, maker);
    const bool is_given =
        details.inputs.empty() || tape.node(maker).operation->description().fills_with_infinity;
    if (!any_nan(made.data, made.shape.size()) && (is_given || has_infinity(details.inputs))) return;
    details.result = range_of(std::string("value"), made.shape, made.data);
    throw NonFinite(std::move(details));
}

template <class T>
void require_finite_cotangents(Sweep<T>& sweep, NodeIndex node) {
    const Tape<T>& tape = sweep.tape();
    const auto check = [&](NodeIndex receiver, std::string name) {
        if (tape.node(receiver).data == nullptr || !sweep.has(receiver)) return;
        const Array<T> cotangent = sweep.cotangent(receiver);
        if (all_finite(cotangent.data(), cotangent.size())) return;
        NonFinite::Details details = details_of(tape, node);
        details.forward = false;
        details.result = range_of(std::move(name), cotangent.shape(), cotangent.data());
        const NodeIndex results = tape.node(node).results;
        for (NodeIndex own = node; own <= node + (results == result_mark ? 0 : results); ++own)
            if (receiver != own && tape.node(own).data != nullptr && sweep.has(own)) {
                const Array<T> g = sweep.cotangent(own);
                details.inputs.push_back(range_of("cotangent of its result", g.shape(), g.data()));
            }
        throw NonFinite(std::move(details));
    };
    std::size_t argument = 0;
    for (NodeIndex input : tape.inputs(node))
        check(input, fmt::format("cotangent of argument {}", argument++));
    // Products that waited for company reach a node without arguments when it is its turn.
    if (tape.inputs(node).empty()) check(node, "its cotangent, summed over all its uses");
}

}  // namespace

template <class T>
void Tape<T>::observe_append(NodeIndex node) {
    try {
        if (options_.watch) require_finite_value(*this, node);
        for (auto* observer = TapeObserver<T>::innermost(); observer != nullptr; observer = observer->outer())
            observer->appended(*this, node);
    } catch (...) {
        if (node < size()) drop_nodes(node, nodes_[node].first_input);
        throw;
    }
}

template <class T>
void Tape<T>::observe_pull(Sweep<T>& sweep, NodeIndex node) {
    if (options_.watch) require_finite_cotangents(sweep, node);
    for (auto* observer = TapeObserver<T>::innermost(); observer != nullptr; observer = observer->outer())
        observer->pulled(sweep, node);
}

template void Tape<float>::observe_append(NodeIndex);
template void Tape<double>::observe_append(NodeIndex);
template void Tape<float>::observe_pull(Sweep<float>&, NodeIndex);
template void Tape<double>::observe_pull(Sweep<double>&, NodeIndex);

}  // namespace tapeloop
