#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace tapeloop::detail {

/// Throws `std::invalid_argument`, in the words of `function`, where there is no folder for a page.
void require_folder(std::string_view function, const std::filesystem::path& path);

/// JSON as it may stand in a script element.
std::string escaped_json(const nlohmann::json& json);

/// Throws `std::invalid_argument`, in the words of `function`, when the page has no texts in a language.
void require_language(std::string_view function, std::string_view language);

/// Writes the page with this title, this data, which is escaped, and in this language, or that of its reader
/// if it is empty; `more` are elements behind its scripts. Throws `std::invalid_argument` when it cannot be
/// written; what was there before is then left as it is.
void write_page(std::string_view function, const std::filesystem::path& path, std::string_view title,
                std::string_view language, std::string_view data, std::string_view more = {});

}  // namespace tapeloop::detail
