#include <autograd/study/play/transcribe.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <unordered_map>

namespace tapeloop::detail {
namespace {

/// An argument, called by its place among the lines.
OnnxValue argument_at(std::size_t place, const Shape& shape) {
    return OnnxValue::named(fmt::format("{}", place), shape);
}

template <class T>
class Transcriber {
  public:
    explicit Transcriber(Tape<T>& tape) : tape_(tape), places_(tape.size()) {}

    std::vector<TranscriptLine> lines() {
        for (NodeIndex node = 0; node < tape_.size(); ++node) {
            const std::uint32_t results = tape_.node(node).results;
            if (results != 0 && results != result_mark) continue;  // its results are its values
            add(node);
        }
        return std::move(lines_);
    }

  private:
    void add(NodeIndex node) {
        const std::size_t before = lines_.size();
        places_[node] = place_of(node);
        // What hands on its argument as it is would have the argument's cotangent: it is a node of its own.
        if (places_[node] < before) places_[node] = push({.op = "Identity", .inputs = {places_[node]}});
        lines_.back().node = node;
        const std::string label = tape_.label(node);
        for (std::size_t k = before; k < lines_.size(); ++k) lines_[k].label = label;
    }

    std::size_t place_of(NodeIndex node) {
        if (const auto source = tape_.detached_from(node))
            return push({.op = "detach", .inputs = {places_[*source]}});
        if (tape_.node(node).input_count == 0) return leaf(node);
        const bool is_result = tape_.node(node).results == result_mark;
        const NodeIndex maker = is_result ? tape_.inputs(node)[0] : node;
        std::vector<OnnxValue> inputs;
        for (const NodeIndex input : tape_.inputs(maker))
            inputs.push_back(argument_at(places_[input], tape_.node(input).shape));
        const OnnxValue value =
            tape_.node(maker).operation->onnx(inputs, is_result ? node - maker - 1 : std::size_t{0});
        if (!value)
            throw std::invalid_argument(
                fmt::format("playground: {} cannot be computed again in the page, for it says no counterpart "
                            "in ONNX; `map` and "
                            "cells have those of their operations on a tape with {{.fuse = false}}, and one "
                            "made by `custom` "
                            "says its own in `.onnx(...)`",
                            tape_.describe(maker)));
        written_.clear();
        return expression(value);
    }

    std::size_t leaf(NodeIndex node) {
        const auto parameter = tape_.parameter(node);
        const Array<T> value = tape_.array(node);
        return push({.op = parameter != nullptr ? "parameter" : "input",
                     .name = parameter != nullptr ? parameter->name : tape_.name(node),
                     .shape = value.shape(),
                     .elements = {value.data(), value.data() + value.size()}});
    }

    /// What an expression has several times is one line.
    std::size_t expression(const OnnxValue& value) {
        const OnnxExpression& own = *value.expression();
        if (!own.name.empty()) return static_cast<std::size_t>(std::stoull(own.name));
        if (const auto known = written_.find(&own); known != written_.end()) return known->second;
        TranscriptLine line{.op = own.op, .attributes = own.attributes};
        if (own.op.empty() && std::holds_alternative<double>(own.constant)) {
            line.op = "number";
            line.elements = {std::get<double>(own.constant)};
        } else if (own.op.empty()) {
            line.op = "integers";
            line.integers = std::get<std::vector<std::int64_t>>(own.constant);
            line.shape = own.shape;
        }
        for (const OnnxValue& input : own.inputs)
            line.inputs.push_back(input ? std::optional(expression(input)) : std::nullopt);
        return written_[&own] = push(std::move(line));
    }

    std::size_t push(TranscriptLine line) {
        lines_.push_back(std::move(line));
        return lines_.size() - 1;
    }

    Tape<T>& tape_;
    std::vector<std::size_t> places_;  ///< of the nodes, among the lines
    std::vector<TranscriptLine> lines_;
    std::unordered_map<const OnnxExpression*, std::size_t> written_;
};

}  // namespace

template <class T>
std::vector<TranscriptLine> transcribed(Tape<T>& tape) {
    return Transcriber<T>(tape).lines();
}

template std::vector<TranscriptLine> transcribed(Tape<float>&);
template std::vector<TranscriptLine> transcribed(Tape<double>&);

}  // namespace tapeloop::detail
