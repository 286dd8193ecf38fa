#include <nn/check/cell/death.hpp>

#if defined(__unix__) || defined(__APPLE__)

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace tapeloop::nn::detail {
namespace {

constexpr unsigned most_seconds = 60;
constexpr char came_back = 'y';

/// The child says nothing, leaves no core, and dies where a test's own handlers would tell of a crash.
void be_quiet() {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGALRM})
        std::signal(signal, SIG_DFL);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere < 0) return;
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
}

[[noreturn]] void run_in_child(const std::function<void()>& action, int report) {
    be_quiet();
    alarm(most_seconds);
    try {
        action();
    } catch (...) {  // to be met again, and told of, by the parent
    }
    const bool is_told = write(report, &came_back, 1) == 1;
    // Nothing of the parent's is flushed or destroyed twice.
    _exit(is_told ? 0 : 1);
}

bool is_told(int report) {
    char word = 0;
    ssize_t count = 0;
    do count = read(report, &word, 1);
    while (count < 0 && errno == EINTR);
    return count == 1 && word == came_back;
}

std::string ending_of(pid_t child) {
    int status = 0;
    pid_t ended = 0;
    do ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0) return "for an unknown reason";
    if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
    const int signal = WTERMSIG(status);
    if (signal == SIGALRM) return fmt::format("no result after {} s", most_seconds);
    return fmt::format("signal {}, {}", signal, strsignal(signal));
}

}  // namespace

std::string death_in(const std::function<void()>& action) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return {};
    const auto [from_child, to_parent] = ends;
    const pid_t child = fork();
    if (child == 0) run_in_child(action, to_parent);
    close(to_parent);
    const bool comes_back = child < 0 || is_told(from_child);
    close(from_child);
    const std::string ending = child < 0 ? "" : ending_of(child);
    return comes_back ? "" : ending;
}

}  // namespace tapeloop::nn::detail

#else

namespace tapeloop::nn::detail {

std::string death_in(const std::function<void()>&) { return {}; }

}  // namespace tapeloop::nn::detail

#endif
