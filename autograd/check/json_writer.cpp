#include <fmt/format.h>
#include <autograd/check/json_writer.hpp>

#include <cmath>

namespace tapeloop::detail {

std::string json_text(std::string_view text) {
    std::string json = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\')
            json += fmt::format("\\{}", character);
        else if (static_cast<unsigned char>(character) < 0x20)
            json += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
        else
            json += character;
    }
    return json + "\"";
}

std::string json_number(double number) {
    if (std::isnan(number)) return "\"nan\"";
    if (std::isinf(number)) return number > 0 ? "\"inf\"" : "\"-inf\"";
    return fmt::format("{}", number);
}

}  // namespace tapeloop::detail
