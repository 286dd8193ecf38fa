#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Equations and rules as text, as operations say them (autograd/record/description.hpp).
namespace tapeloop::detail {

/// The text cut into words, each with its subscripts, and single other characters.
std::vector<std::string_view> pieces_of(std::string_view formula);

/// An equation or a rule with other names for its letters: `{"x", "a₁"}` makes tanh(a₁) of tanh(x). A name
/// that is an expression gets parentheses where it needs them.
std::string renamed(std::string_view formula, const std::map<std::string, std::string, std::less<>>& names);

/// True for a to z and A to Z, in every locale.
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace tapeloop::detail
