#include <fmt/format.h>
#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/page/parameter_names.hpp>
#include <autograd/study/page/step_norms.hpp>
#include <autograd/study/page/study_recorder.hpp>
#include <autograd/study/page/tensor_json.hpp>

#include <cstdlib>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

using nlohmann::json;

/// As many digits as a plot shows: a film has many numbers.
json brief(const json& value) {
    if (value.is_number_float())
        return std::strtod(fmt::format("{:.4g}", value.get<double>()).c_str(), nullptr);
    if (!value.is_structured()) return value;
    json made = value;
    for (json& one : made) one = brief(one);
    return made;
}

json norms_of_gradients(const Graph& graph, const std::map<NodeIndex, std::string>& names) {
    json list = json::array();
    for (const auto& [node, name] : names)
        if (graph[node].cotangent.has_value())
            list.push_back(
                {{"parameter", name},
                 {"norm", number_json(norm_of(graph[node].cotangent->data(), graph[node].shape.size()))}});
    return list;
}

json spectrum_of_frame(const JacobianSpectrum& spectrum) {
    json largest = json::array();
    for (const StepSpectrum& step : spectrum.steps)
        largest.push_back(
            {step.time_step, number_json(step.singular_values.empty() ? 0 : step.singular_values.front())});
    return {{"largest", std::move(largest)}, {"exponents", numbers_json(spectrum.exponents)}};
}

template <class T>
std::string frame_json(std::size_t step, const Var<T>& J, const std::vector<std::string>& gates,
                       const std::optional<JacobianSpectrum>& spectrum) {
    Tape<T>& tape = J.tape();
    if (J.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("StudyRecorder: J is {}; it must have one element", J.shape().text()));
    const Gradients<T> gradients = gradient(J, every_node(tape));
    const Graph graph = read_graph(tape, gradients);
    const std::map<NodeIndex, std::string> names = parameter_names(graph);
    StepNorms norms(graph, names);
    backward_wave<T>(tape, gradients, [&](NodeIndex node, const Contribution<T>& contribution) {
        norms.add(node, contribution);
    });
    json means = json::array();
    for (const GateSaturation& gate : gate_saturation(tape, gates))
        means.push_back({{"gate", gate.gate},
                         {"limits", {gate.limits.low, gate.limits.high}},
                         {"mean", numbers_json(gate.means)}});
    const json frame{{"step", step},
                     {"loss", number_json(static_cast<double>(J.item()))},
                     {"gradients", norms_of_gradients(graph, names)},
                     {"norms", norms.json()},
                     {"gates", std::move(means)},
                     {"spectrum", spectrum.has_value() ? spectrum_of_frame(*spectrum) : json()}};
    return brief(frame).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

StudyRecorder::StudyRecorder(const StudyRecorderOptions& options) : options_(options) {
    if (options.every == 0) throw std::invalid_argument("StudyRecorder: every is 0; it must be at least 1");
    if (options.most_frames < 2)
        throw std::invalid_argument(
            fmt::format("StudyRecorder: most_frames is {}; it must be at least 2", options.most_frames));
}

void StudyRecorder::add(Frame frame) {
    if (frames_.size() == options_.most_frames) {
        std::vector<Frame> kept;
        for (std::size_t k = 0; k < frames_.size(); k += 2) kept.push_back(std::move(frames_[k]));
        frames_ = std::move(kept);
        options_.every *= 2;
    }
    frames_.push_back(std::move(frame));
}

void StudyRecorder::record(std::size_t step, const Var<float>& J,
                           const std::optional<JacobianSpectrum>& spectrum) {
    require_behind(step);
    add({step, frame_json(step, J, options_.gates, spectrum)});
}
void StudyRecorder::record(std::size_t step, const Var<double>& J,
                           const std::optional<JacobianSpectrum>& spectrum) {
    require_behind(step);
    add({step, frame_json(step, J, options_.gates, spectrum)});
}

void StudyRecorder::require_behind(std::size_t step) const {
    if (!frames_.empty() && step <= frames_.back().step)
        throw std::invalid_argument(
            fmt::format("StudyRecorder: {} {} does not lie behind the last one that was recorded, {}",
                        options_.axis.empty() ? "training step" : options_.axis, step, frames_.back().step));
}

std::vector<std::string> StudyRecorder::frames() const {
    std::vector<std::string> texts;
    for (const Frame& frame : frames_) texts.push_back(frame.json);
    return texts;
}

}  // namespace tapeloop
