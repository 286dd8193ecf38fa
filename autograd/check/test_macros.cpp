#include <autograd/check/test_macros.hpp>

#include <cerrno>

namespace tapeloop::detail {

std::string program_name() {
#ifdef __GLIBC__
    return program_invocation_name;
#else
    return "./tests";
#endif
}

std::string shell_word(std::string_view word) {
    std::string text = "'";
    for (const char character : word)
        if (character == '\'')
            text += "'\\''";
        else
            text += character;
    return text + "'";
}

}  // namespace tapeloop::detail
