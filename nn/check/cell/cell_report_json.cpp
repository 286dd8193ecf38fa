#include <autograd/check/json_writer.hpp>
#include <nn/check/cell/cell_report.hpp>

namespace tapeloop::nn {
namespace {

using tapeloop::detail::json_list;
using tapeloop::detail::JsonObject;

std::string_view verdict_text(CellVerdict verdict) {
    switch (verdict) {
        case CellVerdict::passed:
            return "passed";
        case CellVerdict::failed:
            return "failed";
        case CellVerdict::not_applicable:
            return "not applicable";
    }
    return "";
}

}  // namespace

std::string to_json(const CellReport& report) {
    const auto item_json = [](const CellItem& item) {
        return JsonObject()
            .add("name", item.name)
            .add("verdict", verdict_text(item.verdict))
            .add("text", item.text)
            .text();
    };
    return JsonObject()
        .add("format", "tapeloop cell report")
        .add("version", 1)
        .add("passed", report.passed())
        .add("seed", report.seed)
        .add("type", report.in_double ? "double" : "float")
        .add("time_steps", report.time_steps)
        .add("batch", report.batch)
        .add("inputs", report.inputs)
        .add_json("items", json_list(report.items, item_json))
        .add_json("gradient", tapeloop::to_json(report.gradient))
        .add_json("warnings", json_list(report.warnings))
        .text();
}

}  // namespace tapeloop::nn
