#pragma once

#include <string_view>

namespace tapeloop::detail {

/// The page without its data, as cmake/EmbedPage.cmake embeds it: page.html with its style, its scripts and
/// the licences, and marks left: `{{title}}`, `{{language}}`, `{{study}}` and `{{playground}}`.
std::string_view page();

/// What a page with a playground has besides, as cmake/EmbedPlayground.cmake embeds it: the library as
/// WebAssembly, and the sliders.
std::string_view playground();

}  // namespace tapeloop::detail
