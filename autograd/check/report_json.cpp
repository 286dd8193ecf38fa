#include <autograd/check/json_writer.hpp>
#include <autograd/check/report.hpp>

namespace tapeloop {

using namespace detail;

namespace {

std::string element_json(const CheckedElement& element) {
    JsonObject json;
    json.add("index", element.index).add_json("position", json_list(element.position));
    if (element.time_step.has_value()) json.add("time_step", *element.time_step);
    json.add_if("gate", element.gate)
        .add("tape", element.tape)
        .add("differences", element.numeric)
        .add("difference", element.difference)
        .add("step", element.step)
        .add("tolerance", element.tolerance)
        .add("tolerance_rule", name_of(element.rule))
        .add("verdict", name_of(element.verdict));
    if (!element.sweep.empty())
        json.add_json("steps", json_list(element.sweep, [](const CheckedElement::Trial& trial) {
                          return JsonObject()
                              .add("step", trial.step)
                              .add("below", trial.below)
                              .add("central", trial.central)
                              .add("above", trial.above)
                              .text();
                      }));
    return json.text();
}

std::string input_json(const CheckedInput& input) {
    return JsonObject()
        .add("name", input.name)
        .add_json("shape", json_list(input.shape))
        .add("order", input.order)
        .add("compared", input.compared)
        .add("wrong", input.wrong)
        .add("undecided", input.undecided)
        .add("untold", input.untold)
        .add("directions", input.directions)
        .add("wrong_directions", input.failed_directions)
        .add("undecided_directions", input.undecided_directions)
        .add("worst_direction", input.worst_direction)
        .add("largest", input.largest)
        .add("largest_deviation", input.largest_deviation)
        .add_json("worst", json_list(input.worst, element_json))
        .text();
}

std::string rule_json(const FaultyRule& rule) {
    JsonObject json;
    json.add("operation", rule.operation).add("argument", rule.argument).add_if("label", rule.label);
    if (!rule.file.empty()) json.add("file", rule.file).add("line", rule.line);
    return json.add("others", rule.others).text();
}

std::string finding_json(const Finding& finding) {
    JsonObject json;
    json.add("class", name_of(finding.diagnosis))
        .add("mistake", is_mistake(finding.diagnosis))
        .add("order", finding.order)
        .add_if("input", finding.input)
        .add("text", finding.text);
    if (finding.diagnosis == Diagnosis::factor) json.add("factor", finding.factor);
    if (finding.rule.has_value()) json.add_json("rule", rule_json(*finding.rule));
    return json.text();
}

}  // namespace

std::string to_json(const GradientReport& report) {
    JsonObject json;
    json.add("format", "tapeloop gradient report")
        .add("version", 1)
        .add("passed", report.passed())
        .add("seed", report.seed)
        .add("type", report.in_double ? "double" : "float")
        .add("evaluations", report.evaluations)
        .add("results", report.result_elements)
        .add_json("inputs", json_list(report.inputs, input_json))
        .add_json("findings", json_list(report.findings, finding_json))
        .add_json("warnings", json_list(report.warnings));
    if (report.forward.has_value())
        json.add_json("forward", JsonObject()
                                     .add("forward", report.forward->forward)
                                     .add("reverse", report.forward->reverse)
                                     .add("tolerance", report.forward->tolerance)
                                     .text());
    if (report.float_deviation.has_value()) json.add("float_deviation", *report.float_deviation);
    return json.text();
}

}  // namespace tapeloop
