#pragma once

#include <tests/fuzz/builder.hpp>

#include <string_view>

namespace tapeloop::fuzz {

/// A way to add a line: it chooses arguments and options of one operation, or of a few that are alike.
struct Entry {
    std::string_view name;
    void (*add)(Builder&);
};

/// Every public operation.
const std::vector<Entry>& catalogue();

std::vector<Entry> elementwise_entries();
std::vector<Entry> linalg_entries();
std::vector<Entry> reduce_entries();
std::vector<Entry> shape_entries();
std::vector<Entry> index_entries();
std::vector<Entry> conv_entries();
std::vector<Entry> map_entries();

/// x² + 0.3, which is where a logarithm or a root may be taken.
Call shifted_square(std::vector<Id> argument);

inline constexpr Promise smooth{.is_smooth = true};
inline constexpr Promise smooth_elementwise{.is_elementwise = true, .is_smooth = true};
inline constexpr Promise smooth_product{.is_smooth = true, .multiplies_elements = true};
inline constexpr Promise only_elementwise{.is_elementwise = true};

}  // namespace tapeloop::fuzz
