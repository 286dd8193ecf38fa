#pragma once

#include <nn/files/system_calls.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

namespace tapeloop::test {

inline constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

/// What goes wrong, and in which call, counted from 0.
struct Faults {
    std::size_t fail_at = never;       ///< the call that fails: the disk is full
    std::size_t end_at = never;        ///< the call at which the process ends, undone
    std::size_t most_at_once = never;  ///< the bytes that one write or read takes at most
    bool interrupted = false;          ///< whether every second write and read is interrupted
    bool named = false;                ///< whether the file system has no files without names
};

/// The system, as it is on a bad day. A file that fails to close is closed; removing always works.
class FaultySystem : public nn::detail::SystemCalls {
  public:
    explicit FaultySystem(Faults faults) : faults_(faults) {}

    /// The name of the call that failed; empty if none did.
    const std::string& failed_call() const { return failed_call_; }
    const std::vector<std::string>& calls() const { return calls_; }
    std::ptrdiff_t open_files() const { return open_files_; }
    std::size_t writes() const {
        return static_cast<std::size_t>(std::count(calls_.begin(), calls_.end(), "write"));
    }

    int open(const char* path, int flags, unsigned mode) override {
        if (faults_.named && (flags & O_TMPFILE) == O_TMPFILE) return fail(EOPNOTSUPP);
        // Without such files it goes on with others: no fault.
        if ((flags & O_TMPFILE) != O_TMPFILE && !begin("open")) return -1;
        const int file = SystemCalls::open(path, flags, mode);
        open_files_ += file >= 0;
        return file;
    }
    std::ptrdiff_t read(int file, void* to, std::size_t bytes) override {
        if (!begin("read") || is_interrupted()) return -1;
        return SystemCalls::read(file, to, std::min(bytes, faults_.most_at_once));
    }
    std::ptrdiff_t write(int file, const void* from, std::size_t bytes, std::uint64_t offset) override {
        if (!begin("write") || is_interrupted()) return -1;
        return SystemCalls::write(file, from, std::min(bytes, faults_.most_at_once), offset);
    }
    int sync(int file) override {
        struct stat status {};
        const bool is_folder = fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
        return begin(is_folder ? "sync folder" : "sync file") ? SystemCalls::sync(file) : -1;
    }
    int close(int file) override {
        --open_files_;
        const bool goes_on = begin("close");
        const int result = SystemCalls::close(file);
        return goes_on ? result : fail(ENOSPC);
    }
    int link(int file, const char* path) override {
        return begin("link") ? SystemCalls::link(file, path) : -1;
    }
    int rename(const char* from, const char* to) override {
        return begin("rename") ? SystemCalls::rename(from, to) : -1;
    }

  private:
    static int fail(int error) {
        errno = error;
        return -1;
    }

    /// Whether the call takes place.
    bool begin(const std::string& call) {
        const std::size_t number = calls_.size();
        calls_.push_back(call);
        if (number == faults_.end_at) _exit(9);
        if (number != faults_.fail_at) return true;
        failed_call_ = call;
        errno = ENOSPC;
        return false;
    }

    bool is_interrupted() {
        if (!faults_.interrupted || (odd_ = !odd_)) return false;
        errno = EINTR;
        return true;
    }

    Faults faults_;
    std::vector<std::string> calls_;
    std::string failed_call_;
    std::ptrdiff_t open_files_ = 0;
    bool odd_ = false;
};

}  // namespace tapeloop::test
