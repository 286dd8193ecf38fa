#include <autograd/study/page/compact.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tapeloop::detail {
namespace {

using nlohmann::json;

// As the page is written: names may hold any bytes.
std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Values by their places in a list, each once.
class Distinct {
  public:
    std::size_t place_of(json value) {
        const auto [known, is_new] = places_.try_emplace(text_of(value), list_.size());
        if (is_new) list_.push_back(std::move(value));
        return known->second;
    }
    json::array_t list() { return std::move(list_); }

  private:
    std::unordered_map<std::string, std::size_t> places_;
    json::array_t list_;
};

/// The column as it is, or each of its values once and their places, whichever is the shorter.
json column_json(json::array_t column) {
    Distinct words;
    json at = json::array();
    for (const json& value : column) at.push_back(value.is_null() ? json() : json(words.place_of(value)));
    json with_words{{"words", words.list()}, {"at", std::move(at)}};
    json plain = std::move(column);
    return text_of(with_words).size() < text_of(plain).size() ? with_words : plain;
}

/// A list of objects as a table: by key the values of all of them, null where one has none.
json table_of(json::array_t rows) {
    std::map<std::string, json::array_t> columns;
    for (std::size_t k = 0; k < rows.size(); ++k)
        for (const auto& [key, value] : rows[k].items())
            columns.try_emplace(key, rows.size()).first->second[k] = std::move(value);
    json table = json::object();
    for (auto& [key, column] : columns) table[key] = column_json(std::move(column));
    return table;
}

json table_of(json rows) { return table_of(std::move(rows.get_ref<json::array_t&>())); }

/// What an object has by node as rows, with the nodes as `id`.
json::array_t rows_by_node(json by_node) {
    json::array_t rows;
    for (const auto& [id, row] : by_node.items()) {
        row["id"] = std::stoull(id);
        rows.push_back(std::move(row));
    }
    return rows;
}

/// An answer's reasons without what says nothing at their ends.
void shorten_reasons(json& answer) {
    for (json& reason : answer["rows"])
        while (reason.back().is_null() || reason.back() == false) reason.get_ref<json::array_t&>().pop_back();
}

/// An equation's left side and its others in one list.
json sides_json(json equation) {
    json sides = json::array({std::move(equation["left"])});
    for (json& side : equation["sides"]) sides.push_back(std::move(side));
    return sides;
}

}  // namespace

json compacted(json study) {
    Distinct tensors;
    const auto refer = [&](json& rows, const char* key) {
        for (json& row : rows)
            if (row.contains(key)) row[key] = tensors.place_of(std::move(row[key]));
    };
    json& nodes = study["graph"]["nodes"];
    refer(nodes, "value");
    refer(nodes, "cotangent");
    nodes = table_of(std::move(nodes));
    refer(study["contributions"], "tensor");
    study["contributions"] = table_of(std::move(study["contributions"]));
    json& jacobians = study["jacobians"]["list"];
    refer(jacobians, "tensor");
    jacobians = table_of(std::move(jacobians));
    study["tensors"] = table_of(tensors.list());

    if (!study["why"].is_null()) {
        json::array_t answers = rows_by_node(std::move(study["why"]["answers"]));
        for (json& answer : answers) shorten_reasons(answer);
        study["why"]["answers"] = table_of(std::move(answers));
    }
    if (!study["equations"].is_null()) {
        json::array_t equations = rows_by_node(std::move(study["equations"]));
        for (json& row : equations)
            for (const char* key : {"value", "cotangent"})
                if (row.contains(key)) row[key] = sides_json(std::move(row[key]));
        study["equations"] = table_of(std::move(equations));
    }
    return study;
}

}  // namespace tapeloop::detail
