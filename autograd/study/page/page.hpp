#pragma once

#include <string_view>

namespace tapeloop::detail {

/// The page without its data, as cmake/EmbedPage.cmake embeds it: page.html with its style, its scripts and
/// the licences, and two marks left, `{{title}}` and `{{study}}`.
std::string_view page();

}  // namespace tapeloop::detail
