#pragma once

#include <tuple>

namespace tapeloop::detail {

/// The rules of a definition: those that it has, or the one that its slope makes.
template <class Def>
auto rules_of(const Def& def) {
    if constexpr (requires { def.rules(); })
        return def.rules();
    else
        return std::tuple{
            [def](const auto& g, const auto& y, const auto& x) { return scale(g, def.slope(y, x)); }};
}

}  // namespace tapeloop::detail
