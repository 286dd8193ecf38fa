#include <fmt/format.h>
#include <autograd/check/locate/slice_names.hpp>

namespace tapeloop::detail {

bool is_time(const InputInfo& info, std::size_t axis) { return time_axis(info) == axis; }

std::string list_text(const Slices& slices) {
    std::string text;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        if (i == 8) return text + fmt::format(" and {} more", slices.size() - i);
        text += (i == 0 ? "" : i + 1 == slices.size() ? " and " : ", ") + std::to_string(slices[i]);
    }
    return text;
}

std::string steps_text(const Slices& slices, const InputInfo& info, std::size_t axis) {
    if (is_time(info, axis))
        return fmt::format("time step{} {}", slices.size() == 1 ? "" : "s", list_text(slices));
    return fmt::format("slice{} {} along {}", slices.size() == 1 ? "" : "s", list_text(slices),
                       axis_text(info, axis));
}

Diagnosis order_along(const InputInfo& info, std::size_t axis) {
    return is_time(info, axis) ? Diagnosis::time_order : Diagnosis::order;
}

std::string noun(const InputInfo& info, std::size_t axis) {
    return is_time(info, axis) ? "time steps" : "slices along " + axis_text(info, axis);
}

}  // namespace tapeloop::detail
