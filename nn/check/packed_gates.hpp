#pragma once

#include <autograd/tensor.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop::nn::detail {

/// Returns the gates that a cell says its packed parameters consist of; none if it says nothing.
template <class C>
std::vector<std::string> gate_names_of(const C& cell) {
    std::vector<std::string> names;
    if constexpr (requires {
                      { *cell.gate_names().begin() } -> std::convertible_to<std::string_view>;
                  })
        for (const std::string_view name : cell.gate_names()) names.emplace_back(name);
    return names;
}

/// The gates that lie side by side along a parameter's last axis: all of the cell's, if the axis is as long
/// as all of them for the units of some part of the state; none otherwise, as of a bias of one gate.
std::vector<std::string> packed_gates(const Shape& parameter, const std::vector<std::string>& gates,
                                      const std::vector<Shape>& state);

}  // namespace tapeloop::nn::detail
