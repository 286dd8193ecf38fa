#pragma once

#include <cstddef>
#include <cstdint>

namespace tapeloop::nn::detail {

/// What reading and writing files asks of the system. Each member returns what the call beneath it does, and
/// leaves the reason of a failure in `errno`. A test derives from it, to let a call fail or to end the
/// process there; none may throw.
class SystemCalls {
  public:
    SystemCalls() = default;
    SystemCalls(const SystemCalls&) = delete;
    SystemCalls& operator=(const SystemCalls&) = delete;
    virtual ~SystemCalls() = default;

    virtual int open(const char* path, int flags, unsigned mode);
    virtual std::ptrdiff_t read(int file, void* to, std::size_t bytes);
    /// Writes at an offset (pwrite).
    virtual std::ptrdiff_t write(int file, const void* from, std::size_t bytes, std::uint64_t offset);
    /// Waits until a file, or the names in a folder, are on the disk (fsync).
    virtual int sync(int file);
    virtual int close(int file);
    /// Gives a name to a file that was opened without one (linkat).
    virtual int link(int file, const char* path);
    virtual int rename(const char* from, const char* to);
    virtual int remove(const char* path);
};

/// Returns those that this thread uses.
SystemCalls& system_calls();

/// Puts others in their place on this thread, until it goes out of scope.
class SystemCallsScope {
  public:
    explicit SystemCallsScope(SystemCalls& calls);
    SystemCallsScope(const SystemCallsScope&) = delete;
    SystemCallsScope& operator=(const SystemCallsScope&) = delete;
    ~SystemCallsScope();

  private:
    SystemCalls* before_;
};

}  // namespace tapeloop::nn::detail
