#pragma once

#include <autograd/study/derivation/derivation.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The steps of a derivation as equations in Unicode: what its text, its LaTeX and the study page's MathML
/// are made of.
namespace tapeloop::detail {

/// `left = side = side = ...`
struct Equation {
    std::string left;
    std::vector<std::string> sides;
};

std::vector<Equation> equations_of(const std::vector<DerivationStep>& steps,
                                   const DerivationOptions& options);

/// Returns where the signs of a sum stand, outside of parentheses: at the space in front of each.
std::vector<std::size_t> signs_of(std::string_view text);

}  // namespace tapeloop::detail
