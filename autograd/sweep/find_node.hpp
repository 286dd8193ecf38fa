#pragma once

#include <autograd/gradient.hpp>

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <string_view>

namespace tapeloop::detail {

/// The node of what is asked for; none for a parameter that is not on the tape. Throws `std::logic_error` in
/// the name of `caller` for a `Var` of another tape.
template <class T>
std::optional<Index> node_of(const Tape<T>& tape, const Wrt<T>& wrt, std::string_view caller) {
    if (wrt.parameter() != nullptr) {
        const Index* leaf = tape.find(wrt.parameter());
        return leaf == nullptr ? std::nullopt : std::optional(*leaf);
    }
    if (&wrt.var().tape() != &tape)
        throw std::logic_error(fmt::format("{}: asked for a Var of another tape", caller));
    return wrt.var().index();
}

}  // namespace tapeloop::detail
