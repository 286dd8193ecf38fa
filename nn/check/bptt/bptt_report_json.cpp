#include <autograd/check/json_writer.hpp>
#include <nn/check/bptt/bptt_report.hpp>

namespace tapeloop::nn {
namespace {

using tapeloop::detail::json_list;
using tapeloop::detail::JsonObject;

std::string_view verdict_text(StepVerdict verdict) {
    switch (verdict) {
        case StepVerdict::right:
            return "right";
        case StepVerdict::inherits:
            return "inherits";
        case StepVerdict::wrong:
            return "wrong";
    }
    return "";
}

std::string deviation_json(const Deviation& deviation) {
    return JsonObject()
        .add("name", deviation.name)
        .add_json("shape", json_list(deviation.shape))
        .add("compared", deviation.compared)
        .add("largest", deviation.largest)
        .add("scale", deviation.scale)
        .add("relative", deviation.relative)
        .add_json("at", json_list(deviation.at))
        .add("tape", deviation.tape)
        .add("other", deviation.other)
        .text();
}

std::string way_json(const BpttWay& way) {
    const auto step_json = [](const StepCheck& step) {
        return JsonObject()
            .add("verdict", verdict_text(step.verdict))
            .add_json("deviations", json_list(step.deviations, deviation_json))
            .text();
    };
    return JsonObject()
        .add("name", way.name)
        .add("limit", way.limit)
        .add_json("totals", json_list(way.totals, deviation_json))
        .add_json("time_steps", json_list(way.time_steps, step_json))
        .text();
}

std::string divergence_json(const Divergence& divergence) {
    return JsonObject()
        .add("time_step", divergence.time_step)
        .add("way", divergence.way)
        .add_if("gate", divergence.gate)
        .add_json("deviation", deviation_json(divergence.deviation))
        .add_json("also", json_list(divergence.also))
        .text();
}

}  // namespace

std::string to_json(const BpttReport& report) {
    JsonObject json;
    json.add("format", "tapeloop BPTT report")
        .add("version", 1)
        .add("passed", report.passed())
        .add("seed", report.seed)
        .add("type", report.in_double ? "double" : "float")
        .add("time_steps", report.time_steps)
        .add("batch", report.batch);
    if (report.loss.has_value()) json.add("loss", *report.loss);
    json.add_json("ways", json_list(report.ways, way_json))
        .add_json("differences", tapeloop::to_json(report.differences));
    if (report.details.has_value()) json.add_json("details", tapeloop::to_json(*report.details));
    if (report.first_divergence.has_value())
        json.add_json("first_divergence", divergence_json(*report.first_divergence));
    return json.add_json("findings", json_list(report.findings))
        .add_json("warnings", json_list(report.warnings))
        .text();
}

}  // namespace tapeloop::nn
