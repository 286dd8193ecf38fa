#include "gnuplot.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace lab {

bool gnuplot_is_installed() {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');)
        if (access((std::filesystem::path(folder) / "gnuplot").c_str(), X_OK) == 0) return true;
    return false;
}

bool run_gnuplot(const std::string& commands) {
    // Should it die early, a write to the pipe is to fail and not to end this program.
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    bool done = false;
    if (std::FILE* pipe = popen("gnuplot", "w")) {
        const bool written = std::fwrite(commands.data(), 1, commands.size(), pipe) == commands.size();
        done = pclose(pipe) == 0 && written;
    }
    std::signal(SIGPIPE, before);
    return done;
}

}  // namespace lab
