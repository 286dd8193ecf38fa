#include <tests/expect.hpp>

#include <autograd/study/derivation/operation_names.hpp>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

// The names of kinds of operations follow the definitions.

TEST_CASE("operation names: every elementary function is known as elementwise") {
    std::ifstream file(std::filesystem::path(TAPELOOP_SOURCE_DIR) / "autograd" / "elementary.hpp");
    const std::regex definition("static constexpr std::string_view name = \"(\\w+)\"");
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);)
        if (std::smatch found; std::regex_search(line, found, definition)) {
            ++count;
            CHECK_MESSAGE(tapeloop::detail::is_elementwise(found[1].str()), found[1].str());
        }
    CHECK(count > 20);
    CHECK_FALSE(tapeloop::detail::is_elementwise("matmul"));
}
