#include <autograd/study/graph/table.hpp>

namespace tapeloop::detail {

std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (char c : text) {
        if (c == '"') quoted += c;
        quoted += c;
    }
    return quoted + "\"";
}

}  // namespace tapeloop::detail
