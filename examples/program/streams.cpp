#include "streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace program {
namespace {

bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) != -1; }

/// The reason why standard output failed first, as errno says it; 0 when it did not.
int output_error = 0;

}  // namespace

void prepare_streams() {
    const bool has_output = is_open(STDOUT_FILENO);
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (!is_open(descriptor) && open("/dev/null", O_RDWR) == -1) break;
    std::signal(SIGXFSZ, SIG_IGN);
    if (!has_output)
        throw std::runtime_error(
            "standard output is closed, where the results would go; open it, or send it to a file");
}

void print(std::string_view text) noexcept {
    errno = 0;
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if ((!written || std::fflush(stdout) != 0) && output_error == 0) output_error = errno == 0 ? EIO : errno;
    std::clearerr(stdout);  // there may be room again for what comes next
}

void require_printed() {
    print(std::string_view());  // what others have left in the buffer
    if (output_error != 0)
        throw std::runtime_error(
            fmt::format("standard output cannot be written: {}", std::strerror(output_error)));
}

void complain(std::string_view program, std::string_view text) noexcept {
    std::fflush(stdout);
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(program.size()), program.data(),
                 static_cast<int>(text.size()), text.data());
}

}  // namespace program
