#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>

#include <nlohmann/json.hpp>

// Reports on cells as JSON, read by another library.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using nlohmann::json;

/// h = tanh(x U + h W), with a rule that is half of what it should be if `is_wrong`.
struct JsonCell {
    bool is_wrong;
    Parameter<double> U{"U", Random(1).tensor({2, 3})};
    Parameter<double> W{"W", Random(2).tensor({3, 3})};

    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, 3}, 0)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const double factor = is_wrong ? 0.5 : 1;
        const auto my_tanh = custom(
            "my_tanh", [](const auto& v) { return tanh(v); },
            [factor](const auto& g, const auto& y, const auto&) { return factor * g * (1 - y * y); });
        const Var<double> next = my_tanh(matmul(x, U) + matmul(h, W));
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

void check_deviation(const json& read, const nn::Deviation& deviation) {
    CHECK(read.at("name") == deviation.name);
    CHECK(read.at("shape") == std::vector<std::size_t>(deviation.shape.begin(), deviation.shape.end()));
    CHECK(read.at("compared") == deviation.compared);
    CHECK(read.at("largest").get<double>() == deviation.largest);
    CHECK(read.at("scale").get<double>() == deviation.scale);
    CHECK(read.at("relative").get<double>() == deviation.relative);
    CHECK(read.at("at") == deviation.at);
    CHECK(read.at("tape").get<double>() == deviation.tape);
    CHECK(read.at("other").get<double>() == deviation.other);
}

}  // namespace

TEST_CASE("report as JSON: of check_cell") {
    for (const bool is_wrong : {false, true}) {
        JsonCell cell{is_wrong};
        const nn::CellReport report = nn::check_cell(cell, 2);
        const json read = json::parse(to_json(report));
        CHECK(read.at("format") == "tapeloop cell report");
        CHECK(read.at("passed") == !is_wrong);
        CHECK(read.at("seed") == report.seed);
        CHECK(read.at("type") == "double");
        CHECK(read.at("time_steps") == report.time_steps);
        CHECK(read.at("batch") == report.batch);
        CHECK(read.at("inputs") == 2);
        CHECK(read.at("warnings") == report.warnings);
        REQUIRE(read.at("items").size() == report.items.size());
        for (std::size_t i = 0; i < report.items.size(); ++i) {
            CHECK(read.at("items").at(i).at("name") == report.items[i].name);
            CHECK(read.at("items").at(i).at("text") == report.items[i].text);
            const bool failed = report.items[i].verdict == nn::CellVerdict::failed;
            CHECK((read.at("items").at(i).at("verdict") == "failed") == failed);
        }
        CHECK(read.at("gradient") == json::parse(to_json(report.gradient)));
        CHECK(read.at("gradient").at("inputs").size() >= 4);
    }
}

TEST_CASE("report as JSON: of verify_bptt") {
    for (const bool is_wrong : {false, true}) {
        JsonCell cell{is_wrong};
        const nn::BpttReport report = nn::verify_bptt(cell, Random(3).tensor({4, 2, 2}));
        const json read = json::parse(to_json(report));
        CHECK(read.at("format") == "tapeloop BPTT report");
        CHECK(read.at("passed") == !is_wrong);
        CHECK(read.at("time_steps") == 4);
        CHECK(read.at("batch") == 2);
        CHECK(read.contains("loss") == report.loss.has_value());
        CHECK(read.at("findings") == report.findings);
        CHECK(read.at("differences") == json::parse(to_json(report.differences)));
        CHECK(read.contains("details") == report.details.has_value());
        REQUIRE(read.at("ways").size() == report.ways.size());
        for (std::size_t w = 0; w < report.ways.size(); ++w) {
            const json& way = read.at("ways").at(w);
            CHECK(way.at("name") == report.ways[w].name);
            CHECK(way.at("limit").get<double>() == report.ways[w].limit);
            REQUIRE(way.at("totals").size() == report.ways[w].totals.size());
            for (std::size_t i = 0; i < report.ways[w].totals.size(); ++i)
                check_deviation(way.at("totals").at(i), report.ways[w].totals[i]);
            REQUIRE(way.at("time_steps").size() == report.ways[w].time_steps.size());
            for (std::size_t t = 0; t < report.ways[w].time_steps.size(); ++t) {
                const bool wrong = report.ways[w].time_steps[t].verdict == nn::StepVerdict::wrong;
                CHECK((way.at("time_steps").at(t).at("verdict") == "wrong") == wrong);
            }
        }
        REQUIRE(read.contains("first_divergence") == is_wrong);
        if (!is_wrong) continue;
        CHECK(read.at("first_divergence").at("time_step") == report.first_divergence->time_step);
        CHECK(read.at("first_divergence").at("way") == report.first_divergence->way);
        CHECK(read.at("first_divergence").at("also") == report.first_divergence->also);
        check_deviation(read.at("first_divergence").at("deviation"), report.first_divergence->deviation);
    }
}
