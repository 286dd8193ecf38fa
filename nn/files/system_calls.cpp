#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <nn/files/system_calls.hpp>

#include <cstdio>
#include <utility>

namespace tapeloop::nn::detail {
namespace {

thread_local SystemCalls* in_place = nullptr;

}  // namespace

int SystemCalls::open(const char* path, int flags, unsigned mode) { return ::open(path, flags, mode); }

std::ptrdiff_t SystemCalls::read(int file, void* to, std::size_t bytes) { return ::read(file, to, bytes); }

std::ptrdiff_t SystemCalls::write(int file, const void* from, std::size_t bytes, std::uint64_t offset) {
    return ::pwrite(file, from, bytes, static_cast<off_t>(offset));
}

int SystemCalls::sync(int file) { return ::fsync(file); }

int SystemCalls::close(int file) { return ::close(file); }

int SystemCalls::link(int file, const char* path) {
    // By its entry in /proc, for the descriptor itself takes a privilege.
    return ::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", file).c_str(), AT_FDCWD, path,
                    AT_SYMLINK_FOLLOW);
}

int SystemCalls::rename(const char* from, const char* to) { return std::rename(from, to); }

int SystemCalls::remove(const char* path) { return ::unlink(path); }

SystemCalls& system_calls() {
    static SystemCalls system;
    return in_place == nullptr ? system : *in_place;
}

SystemCallsScope::SystemCallsScope(SystemCalls& calls) : before_(std::exchange(in_place, &calls)) {}

SystemCallsScope::~SystemCallsScope() { in_place = before_; }

}  // namespace tapeloop::nn::detail
