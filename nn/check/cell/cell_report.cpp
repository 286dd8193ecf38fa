#include <fmt/format.h>
#include <nn/check/cell/cell_report.hpp>
#include <nn/check/indented.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

namespace {

std::string_view word_for(CellVerdict verdict) {
    switch (verdict) {
        case CellVerdict::passed:
            return "passed";
        case CellVerdict::failed:
            return "FAILED";
        case CellVerdict::not_applicable:
            return "-";
    }
    return "";
}

}  // namespace

bool CellReport::passed() const { return failed().empty(); }

const CellItem& CellReport::operator[](std::string_view name) const {
    const auto found =
        std::find_if(items.begin(), items.end(), [name](const CellItem& item) { return item.name == name; });
    if (found != items.end()) return *found;
    std::string names;
    for (const CellItem& item : items) names += (names.empty() ? "'" : ", '") + item.name + "'";
    throw std::invalid_argument(fmt::format("CellReport: there is no item '{}'; there are {}", name, names));
}

std::vector<std::string> CellReport::failed() const {
    std::vector<std::string> names;
    for (const CellItem& item : items)
        if (item.verdict == CellVerdict::failed) names.push_back(item.name);
    return names;
}

std::string CellReport::text() const {
    const std::size_t failures = failed().size();
    std::string text =
        fmt::format("cell check {}: {}T={} B={} I={}, {}, seed {}\n", failures == 0 ? "passed" : "FAILED",
                    failures == 0 ? "" : fmt::format("{} of {} items; ", failures, items.size()), time_steps,
                    batch, inputs, in_double ? "double" : "float", seed);
    for (const CellItem& item : items)
        text += fmt::format("  {:<6}  {:<29}  {}\n", word_for(item.verdict), item.name, item.text);
    for (const std::string& warning : warnings) text += "  warning: " + warning + "\n";
    if (!gradient.passed()) text += detail::indented(gradient.text());
    return text;
}

}  // namespace tapeloop::nn
