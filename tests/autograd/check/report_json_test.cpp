#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

#include <nlohmann/json.hpp>

#include <limits>

// The report as JSON, read by another library.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using nlohmann::json;

const auto half_square = custom(
    "half_square", [](const auto& x) { return x * x; },
    [](const auto& g, const auto&, const auto& x) { return g * x; });

void check_element(const json& read, const CheckedElement& element) {
    CHECK(read.at("index") == element.index);
    CHECK(read.at("position") == element.position);
    CHECK(read.at("tape").get<double>() == element.tape);  // to the last bit
    CHECK(read.at("differences").get<double>() == element.numeric);
    CHECK(read.at("difference").get<double>() == element.difference);
    CHECK(read.at("step").get<double>() == element.step);
    CHECK(read.at("tolerance").get<double>() == element.tolerance);
    CHECK(read.at("tolerance_rule") == name_of(element.rule));
    CHECK(read.at("verdict") == name_of(element.verdict));
    CHECK(read.contains("gate") == !element.gate.empty());
    CHECK(read.contains("time_step") == element.time_step.has_value());
    CHECK(read.value("steps", json::array()).size() == element.sweep.size());
    for (std::size_t i = 0; i < element.sweep.size(); ++i) {
        const json& trial = read.at("steps").at(i);
        CHECK(trial.at("step").get<double>() == element.sweep[i].step);
        CHECK(trial.at("below").get<double>() == element.sweep[i].below);
        CHECK(trial.at("central").get<double>() == element.sweep[i].central);
        CHECK(trial.at("above").get<double>() == element.sweep[i].above);
    }
}

void check_input(const json& read, const CheckedInput& input) {
    CHECK(read.at("name") == input.name);
    CHECK(read.at("shape") == std::vector<std::size_t>(input.shape.begin(), input.shape.end()));
    CHECK(read.at("order") == input.order);
    CHECK(read.at("compared") == input.compared);
    CHECK(read.at("wrong") == input.wrong);
    CHECK(read.at("undecided") == input.undecided);
    CHECK(read.at("untold") == input.untold);
    CHECK(read.at("directions") == input.directions);
    CHECK(read.at("wrong_directions") == input.failed_directions);
    CHECK(read.at("undecided_directions") == input.undecided_directions);
    CHECK(read.at("worst_direction").get<double>() == input.worst_direction);
    CHECK(read.at("largest").get<double>() == input.largest);
    CHECK(read.at("largest_deviation").get<double>() == input.largest_deviation);
    REQUIRE(read.at("worst").size() == input.worst.size());
    for (std::size_t i = 0; i < input.worst.size(); ++i)
        check_element(read.at("worst").at(i), input.worst[i]);
}

void check_finding(const json& read, const Finding& finding) {
    CHECK(read.at("class") == name_of(finding.diagnosis));
    CHECK(read.at("mistake") == is_mistake(finding.diagnosis));
    CHECK(read.at("order") == finding.order);
    CHECK(read.value("input", "") == finding.input);
    CHECK(read.at("text") == finding.text);
    CHECK(read.contains("factor") == (finding.diagnosis == Diagnosis::factor));
    REQUIRE(read.contains("rule") == finding.rule.has_value());
    if (!finding.rule.has_value()) return;
    const json& rule = read.at("rule");
    CHECK(rule.at("operation") == finding.rule->operation);
    CHECK(rule.at("argument") == finding.rule->argument);
    CHECK(rule.value("label", "") == finding.rule->label);
    CHECK(rule.value("file", "") == finding.rule->file);
    CHECK(rule.value("line", 0U) == finding.rule->line);
    CHECK(rule.at("others") == finding.rule->others);
}

/// All of the report is in the JSON; returns it.
json checked(const GradientReport& report) {
    json read = json::parse(to_json(report));
    CHECK(read.at("format") == "tapeloop gradient report");
    CHECK(read.at("version") == 1);
    CHECK(read.at("passed") == report.passed());
    CHECK(read.at("seed") == report.seed);
    CHECK(read.at("type") == (report.in_double ? "double" : "float"));
    CHECK(read.at("evaluations") == report.evaluations);
    CHECK(read.at("results") == report.result_elements);
    CHECK(read.at("warnings") == report.warnings);
    REQUIRE(read.at("inputs").size() == report.inputs.size());
    for (std::size_t k = 0; k < report.inputs.size(); ++k)
        check_input(read.at("inputs").at(k), report.inputs[k]);
    REQUIRE(read.at("findings").size() == report.findings.size());
    for (std::size_t k = 0; k < report.findings.size(); ++k)
        check_finding(read.at("findings").at(k), report.findings[k]);
    return read;
}

}  // namespace

TEST_CASE("report as JSON: a mistake, with its class, its place and the numbers") {
    const json read = checked(check_gradient(
        [](const auto& x) {
            const LabelScope<double> step(std::size_t{3});
            return sum(half_square(x));
        },
        {{"x", Random(1).tensor({2, 3})}}));
    CHECK(read.at("passed") == false);
    CHECK(read.at("inputs").at(0).at("wrong") == 6);
    const json& finding = read.at("findings").at(0);
    CHECK(finding.at("class") == "factor");
    CHECK(finding.at("factor").get<double>() == doctest::Approx(0.5));
    CHECK(finding.at("rule").at("operation") == "half_square");
    CHECK(finding.at("rule").at("label") == "t=3");
    CHECK(contains(finding.at("rule").at("file").get<std::string>(), "report_json_test.cpp"));
}

TEST_CASE("report as JSON: kinks, what is untold, directions, both orders, time steps and gates") {
    const json kinks =
        checked(check_gradient([](const auto& x) { return relu(x); }, {{"x", vector({0, 1})}}));
    CHECK(kinks.at("passed") == true);
    CHECK(kinks.at("inputs").at(0).at("untold") == 1);
    CHECK(kinks.at("inputs").at(0).at("worst").at(0).at("verdict") == "kink");
    CHECK(kinks.at("findings").at(0).at("mistake") == false);
    const json both =
        checked(check_gradient([](const auto& x) { return sum(sin(x)); }, {{"x", Random(1).tensor({50})}},
                               {.order = 2, .mode = CheckMode::directions, .directions = 3}));
    CHECK(both.at("inputs").at(0).at("directions") == 3);
    CHECK(both.at("inputs").back().at("order") == 2);
    const json named =
        checked(check_gradient([](const auto& x) { return half_square(x); },
                               {{"x", Random(1).tensor({2, 4}), {{"time", "unit"}, {"input", "forget"}}}}));
    CHECK(named.at("inputs").at(0).at("worst").at(0).contains("gate"));
    CHECK(named.at("inputs").at(0).at("worst").at(0).contains("time_step"));
    checked(check_gradient([](const auto& x) { return 1e-12 * sum(x); }, {{"x", vector({1, 2})}}));
}

TEST_CASE("report as JSON: names with any characters, and numbers that are none") {
    GradientReport report =
        check_gradient([](const auto& x) { return sum(x); }, {{"a \"name\"\\\n\t\x01 ü", vector({1, 2})}});
    checked(report);
    CheckedElement& element = report.inputs.at(0).worst.at(0);
    element.tape = std::numeric_limits<double>::quiet_NaN();
    element.numeric = std::numeric_limits<double>::infinity();
    element.difference = -std::numeric_limits<double>::infinity();
    const json read = json::parse(to_json(report)).at("inputs").at(0).at("worst").at(0);
    CHECK(read.at("tape") == "nan");
    CHECK(read.at("differences") == "inf");
    CHECK(read.at("difference") == "-inf");
    element.tape = 5e-324;
    CHECK(json::parse(to_json(report)).at("inputs").at(0).at("worst").at(0).at("tape").get<double>() ==
          5e-324);
}

TEST_CASE("report as JSON: forward mode, and float beside double") {
    const json plain = checked(check_gradient([](const auto& x) { return sin(x); }, {{"x", vector({1, 2})}}));
    CHECK(!plain.contains("forward"));
    CHECK(!plain.contains("float_deviation"));
    const GradientReport report = check_gradient([](const auto& x) { return sin(x); },
                                                 {{"x", rounded<float>(vector({1, 2}))}}, {.forward = true});
    const json read = checked(report);
    REQUIRE(report.forward.has_value());
    CHECK(read.at("forward").at("forward").get<double>() == report.forward->forward);
    CHECK(read.at("forward").at("reverse").get<double>() == report.forward->reverse);
    CHECK(read.at("forward").at("tolerance").get<double>() == report.forward->tolerance);
    CHECK(read.at("float_deviation").get<double>() == report.float_deviation);
}
