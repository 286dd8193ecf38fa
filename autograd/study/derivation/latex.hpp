#pragma once

#include <string>
#include <string_view>

namespace tapeloop {

/// An equation in plain Unicode text, as formulas and derivations write them, in LaTeX's mathematical mode:
/// `∂J/∂a₂ ⊙ (1 - h₂²)` becomes `\frac{\partial J}{\partial a_{2}} \odot (1 - h_{2}^{2})`. Letters stay as
/// they are, words become upright text, and whatever LaTeX would take for a command is escaped.
std::string latex(std::string_view text);

}  // namespace tapeloop
