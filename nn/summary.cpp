#include <fmt/format.h>
#include <nn/summary.hpp>

#include <algorithm>
#include <set>

namespace tapeloop::nn {
namespace {

struct Row {
    std::string path;
    Shape output;
    bool has_output = false;
    std::size_t values = 0;
};

Row& row_of(std::vector<Row>& rows, const std::string& path) {
    const auto known =
        std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.path == path; });
    if (known != rows.end()) return *known;
    return rows.emplace_back(Row{path, {}, false, 0});
}

template <class T>
void add_outputs(std::vector<Row>& rows, const Tape<T>& tape) {
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        // Constants, leaves and operations with several results have no value of the layer's own.
        if (tape.node(node).input_count == 0 || tape.node(node).data == nullptr) continue;
        Row& row = row_of(rows, tape.module(node));
        row.output = tape.node(node).shape;
        row.has_output = true;
    }
}

template <class T>
void add_parameters(std::vector<Row>& rows, const ParameterList<T>& parameters) {
    std::set<const void*> counted;
    for (const auto& entry : parameters) {
        if (!counted.insert(entry.parameter->storage().get()).second) continue;
        const std::size_t slash = entry.path.rfind('/');
        row_of(rows, slash == std::string::npos ? "" : entry.path.substr(0, slash)).values +=
            entry.parameter->value().size();
    }
}

std::string grouped(std::size_t number) {
    std::string text = fmt::format("{}", number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

}  // namespace

template <class T>
std::string summary(const Tape<T>& tape, const ParameterList<T>& parameters) {
    std::vector<Row> rows;
    add_outputs(rows, tape);
    add_parameters(rows, parameters);
    // The model as a whole stands last, where its outputs are.
    std::stable_partition(rows.begin(), rows.end(), [](const Row& row) { return !row.path.empty(); });
    if (!rows.empty() && rows.back().path.empty()) rows.back().path = "(model)";

    std::size_t name_width = 5;
    std::size_t shape_width = 12;
    std::size_t total = 0;
    for (const Row& row : rows) {
        name_width = std::max(name_width, row.path.size());
        shape_width = std::max(shape_width, row.output.text().size());
        total += row.values;
    }
    std::string text = fmt::format("{:<{}}  {:<{}}  {:>12}\n", "layer", name_width, "output shape",
                                   shape_width, "parameters");
    for (const Row& row : rows)
        text += fmt::format("{:<{}}  {:<{}}  {:>12}\n", row.path, name_width,
                            row.has_output ? row.output.text() : "", shape_width, grouped(row.values));
    text += fmt::format("{:<{}}  {:<{}}  {:>12}\n", "total", name_width, "", shape_width, grouped(total));
    return text;
}

template std::string summary(const Tape<float>&, const ParameterList<float>&);
template std::string summary(const Tape<double>&, const ParameterList<double>&);

}  // namespace tapeloop::nn
