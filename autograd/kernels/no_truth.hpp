#pragma once

#include <concepts>

namespace tapeloop::detail {

/// False, but only once a template is used: for sentences that tell what is wrong with a program.
template <class...>
inline constexpr bool never = false;

/// The conversion that elements have instead of a truth. One function for all types, so that the sentence
/// comes once.
template <std::same_as<bool> B>
constexpr B refuse_truth() {
    static_assert(
        never<B>,
        "a Var, or an element inside map, is neither true nor false, so if, ?:, !, && and || cannot ask "
        "it: choose with where(condition, a, b), or read a number with item()");
    return false;
}

}  // namespace tapeloop::detail
