#include "program.hpp"

#include "../program/output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace lab {
namespace {

bool failed = false;

}  // namespace

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

void draw(const std::string& program, const std::string& package, const std::filesystem::path& picture,
          const std::function<bool(const std::filesystem::path&)>& make) {
    if (!is_installed(program)) {
        fmt::print("No {}: {} is not installed (on Debian: apt-get install {}).\n",
                   picture.filename().string(), program, package);
        return;
    }
    try {
        ::program::OutputFile("--output", picture, {}, 4096).write([&](const std::filesystem::path& place) {
            if (!make(place)) throw std::invalid_argument(program + " failed");
        });
        fmt::print("Picture: {}\n", picture.string());
    } catch (const std::exception& error) {
        failed = true;
        fmt::print("No {}: {}\n", picture.filename().string(), error.what());
    }
}

bool all_drawn() { return !failed; }

}  // namespace lab
