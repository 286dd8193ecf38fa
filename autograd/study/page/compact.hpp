#pragma once

#include <nlohmann/json.hpp>

namespace tapeloop::detail {

/// The same study as the page gets it, in about half the text: each tensor once, and lists of objects as
/// tables, as README.md in this folder describes.
nlohmann::json compacted(nlohmann::json study);

}  // namespace tapeloop::detail
