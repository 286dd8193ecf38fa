#include <nn/check/packed_gates.hpp>

#include <algorithm>

namespace tapeloop::nn::detail {

std::vector<std::string> packed_gates(const Shape& parameter, const std::vector<std::string>& gates,
                                      const std::vector<Shape>& state) {
    if (gates.empty() || parameter.rank() == 0 || parameter.size() == 0) return {};
    const bool is_packed = std::any_of(state.begin(), state.end(), [&](const Shape& part) {
        return part.rank() != 0 && parameter.back() == gates.size() * part.back();
    });
    return is_packed ? gates : std::vector<std::string>();
}

}  // namespace tapeloop::nn::detail
