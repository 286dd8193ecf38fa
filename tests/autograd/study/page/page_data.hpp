#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace tapeloop::test {

/// The objects of a table of the page's data.
inline nlohmann::json rows_of(const nlohmann::json& table) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& [key, column] : table.items()) {
        const nlohmann::json& places = column.is_array() ? column : column["at"];
        for (std::size_t k = 0; k < places.size(); ++k) {
            if (rows.size() <= k) rows.push_back(nlohmann::json::object());
            if (places[k].is_null()) continue;
            rows[k][key] = column.is_array() ? places[k] : column["words"][places[k].get<std::size_t>()];
        }
    }
    return rows;
}

/// A study as its page has it, with the objects of its tables, and their tensors in them.
inline nlohmann::json expanded(nlohmann::json study) {
    nlohmann::json tensors = rows_of(study["tensors"]);
    for (nlohmann::json& tensor : tensors) {
        if (tensor.contains("grid")) continue;
        std::size_t size = 1;
        for (const nlohmann::json& extent : tensor["shape"]) size *= extent.get<std::size_t>();
        const std::size_t columns = tensor["shape"].empty() ? 1 : tensor["shape"].back().get<std::size_t>();
        tensor["grid"] = {size / std::max<std::size_t>(columns, 1), columns};
    }
    for (nlohmann::json* table :
         {&study["graph"]["nodes"], &study["contributions"], &study["jacobians"]["list"]}) {
        *table = rows_of(*table);
        for (nlohmann::json& row : *table)
            for (const char* key : {"value", "cotangent", "tensor"})
                if (row.contains(key)) row[key] = tensors.at(row[key].get<std::size_t>());
    }
    return study;
}

}  // namespace tapeloop::test
