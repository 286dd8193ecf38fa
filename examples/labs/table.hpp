#pragma once

#include <string>
#include <vector>

namespace lab {

/// A table for reading, a line for each of `rows`: the first column is set flush left, the others flush
/// right.
std::string table(const std::vector<std::string>& headings,
                  const std::vector<std::vector<std::string>>& rows);

/// `98.4 %` of 0.984.
std::string percent(double share);

}  // namespace lab
