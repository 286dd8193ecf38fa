#include <autograd/kernels/norm.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/play/replay.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <stdexcept>

namespace tapeloop::detail {
namespace {

/// Labels that are opened one within the other while nodes are recorded.
class OpenLabels {
  public:
    ~OpenLabels() { close(); }
    OpenLabels() = default;
    OpenLabels(const OpenLabels&) = delete;
    OpenLabels& operator=(const OpenLabels&) = delete;

    /// Opens a path such as `encoder/t=3`.
    void open(const std::string& path) {
        if (path == path_) return;
        close();
        path_ = path;
        for (std::size_t begin = 0; begin < path.size();) {
            const std::size_t end = std::min(path.find('/', begin), path.size());
            open_part(std::string_view(path).substr(begin, end - begin));
            begin = end + 1;
        }
    }

  private:
    void open_part(std::string_view part) {
        std::size_t step = 0;
        const std::string_view digits = part.starts_with("t=") ? part.substr(2) : std::string_view();
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
        if (!digits.empty() && error == std::errc() && end == digits.data() + digits.size())
            scopes_.push_back(std::make_unique<LabelScope<double>>(step));
        else
            scopes_.push_back(std::make_unique<LabelScope<double>>(part));
    }
    void close() {
        while (!scopes_.empty()) scopes_.pop_back();  // the innermost first
    }

    std::string path_;
    std::vector<std::unique_ptr<LabelScope<double>>> scopes_;
};

Tensor<double> tensor_of(const TranscriptLine& line) {
    Tensor<double> tensor = uninitialised<double>(line.shape);
    std::copy(line.elements.begin(), line.elements.end(), tensor.data());
    return tensor;
}

Tensor<double> ones_like(const Var<double>& var) {
    Tensor<double> ones = uninitialised<double>(var.shape());
    std::fill_n(ones.data(), ones.size(), 1.0);
    return ones;
}

/// What the uses of a parameter contribute, those of one time step added up.
PlayedNorms norms_of(Tape<double>& tape, NodeIndex node, const Parameter<double>& parameter,
                     const Var<double>& loss) {
    const ParameterUses<double> uses(tape, parameter);
    const auto summands = uses.summands({{loss, ones_like(loss)}});
    std::vector<std::optional<Tensor<double>>> sums;
    for (std::size_t k = 0; k < summands.size(); ++k) {
        const std::optional<std::size_t> step = uses.list()[k].time_step;
        if (!step.has_value() || !summands[k].has_value()) continue;
        if (sums.size() <= *step) sums.resize(*step + 1);
        if (sums[*step].has_value())
            *sums[*step] += *summands[k];
        else
            sums[*step] = summands[k];
    }
    PlayedNorms norms{node, {}};
    for (const auto& sum : sums)
        norms.by_step.push_back(sum.has_value() ? norm_of(*sum) : std::numeric_limits<double>::quiet_NaN());
    return norms;
}

std::optional<JacobianSpectrum> spectrum_of(const States<double>& states, std::size_t row) {
    if (states.empty()) return std::nullopt;
    try {
        return jacobian_lens(states, {.rows = {row}}).spectrum(row, {.product_radii = false});
    } catch (const std::exception&) {
        return std::nullopt;  // a slider can make a network whose Jacobians are not finite
    }
}

}  // namespace

Replay::Replay(Transcript transcript) : transcript_(std::move(transcript)) {
    for (std::size_t place = 0; place < transcript_.lines.size(); ++place) {
        const TranscriptLine& line = transcript_.lines[place];
        if (line.node.has_value()) places_.emplace(*line.node, place);
        if (line.op != "parameter" && line.op != "input") continue;
        if (line.elements.size() != line.shape.size())
            throw std::invalid_argument(fmt::format("playground: {} is {} and has {} elements", line.op,
                                                    line.shape.text(), line.elements.size()));
        if (line.op == "parameter")
            parameters_.emplace(line.node.value(), Parameter<double>(line.name, tensor_of(line)));
    }
    place_of(transcript_.loss);
    for (const NodeIndex node : transcript_.ledgers)
        if (!parameters_.contains(node))
            throw std::invalid_argument(fmt::format("playground: node {} of a ledger is no parameter", node));
    for (const NodeIndex node : transcript_.losses) place_of(node);
    for (const auto& state : transcript_.states)
        for (const NodeIndex node : state) place_of(node);
}

std::size_t Replay::place_of(NodeIndex node) const {
    const auto found = places_.find(node);
    if (found == places_.end())
        throw std::invalid_argument(fmt::format("playground: there is no node {} with a value", node));
    return found->second;
}

std::span<double> Replay::elements(NodeIndex node) {
    TranscriptLine& line = transcript_.lines[place_of(node)];
    if (line.op != "parameter" && line.op != "input")
        throw std::invalid_argument(
            fmt::format("playground: node {} is computed; parameters and inputs can be changed", node));
    return line.elements;
}

Played Replay::record(std::size_t place, const std::vector<Played>& before) {
    const TranscriptLine& line = transcript_.lines[place];
    if (line.op == "parameter") {
        Parameter<double>& parameter = parameters_.at(*line.node);
        parameter.assign(tensor_of(line));
        Tape<double>& tape = Tape<double>::current();
        return tape.var(tape.leaf(parameter, CallSite::current()));
    }
    if (line.op == "input") {
        const Var<double> var = input(tensor_of(line));
        return line.name.empty() ? var : var.named(line.name);
    }
    if (line.op == "number") return line.elements.at(0);
    if (line.op == "integers") return Integers{line.shape, line.integers};
    std::vector<Played> inputs;
    for (const std::optional<std::size_t>& input : line.inputs)
        inputs.push_back(input.has_value() ? before[*input] : Played());
    if (line.op == "detach") return detach(std::get<Var<double>>(inputs.at(0)));
    return play_operator(line.op, inputs, line.attributes);
}

void Replay::record_all(std::vector<Played>& played) {
    OpenLabels labels;
    for (std::size_t place = 0; place < transcript_.lines.size(); ++place) {
        labels.open(transcript_.lines[place].label);
        played.push_back(record(place, played));
        // What an operation without inputs that are nodes made of numbers alone is a node all the same.
        if (transcript_.lines[place].node.has_value() && std::holds_alternative<double>(played.back()))
            played.back() = input(Tensor<double>(std::get<double>(played.back())));
    }
}

void Replay::run() {
    Tape<double> tape({.fuse = false});
    std::vector<Played> played;
    record_all(played);
    const auto var = [&](NodeIndex node) { return std::get<Var<double>>(played[place_of(node)]); };

    std::vector<NodeIndex> nodes;
    std::vector<Wrt<double>> wanted;
    for (const auto& [node, place] : places_) {
        if (!std::holds_alternative<Var<double>>(played[place])) continue;
        nodes.push_back(node);
        wanted.emplace_back(std::get<Var<double>>(played[place]));
        values_.insert_or_assign(node, wanted.back().var().value());
    }
    const Var<double> loss = var(transcript_.loss);
    Gradients<double> gradients = gradient(loss, WrtList<double>(std::move(wanted)));
    for (std::size_t k = 0; k < nodes.size(); ++k)
        cotangents_.insert_or_assign(nodes[k], std::move(gradients.at(k)));

    PlayedFigures figures;
    for (const auto& [node, parameter] : parameters_) {
        PlayedNorms norms = norms_of(tape, node, parameter, loss);
        if (!norms.by_step.empty()) figures.norms.push_back(std::move(norms));
    }
    std::sort(figures.norms.begin(), figures.norms.end(),
              [](const PlayedNorms& a, const PlayedNorms& b) { return a.parameter < b.parameter; });
    std::vector<Var<double>> losses;
    for (const NodeIndex node : transcript_.losses) losses.push_back(var(node));
    for (const NodeIndex node : transcript_.ledgers)
        figures.ledgers.push_back(losses.size() == 1 && losses[0].shape().rank() > 0
                                      ? gradient_ledger(losses[0], parameters_.at(node))
                                      : gradient_ledger(losses, parameters_.at(node)));
    States<double> states;
    for (const std::vector<NodeIndex>& state : transcript_.states) {
        states.emplace_back();
        for (const NodeIndex node : state) states.back().push_back(var(node));
    }
    figures.spectrum = spectrum_of(states, transcript_.row);
    figures.saturation = gate_saturation(tape, transcript_.gates);
    figures_ = std::move(figures);
}

}  // namespace tapeloop::detail
