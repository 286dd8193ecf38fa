#include "program.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace lab {

bool is_installed(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');)
        if (access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0) return true;
    return false;
}

bool run_with(const std::string& command, const std::string& text) {
    // Should it die early, a write to the pipe is to fail and not to end this program.
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    bool done = false;
    if (std::FILE* pipe = popen(command.c_str(), "w")) {
        const bool written = std::fwrite(text.data(), 1, text.size(), pipe) == text.size();
        done = pclose(pipe) == 0 && written;
    }
    std::signal(SIGPIPE, before);
    return done;
}

}  // namespace lab
