#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nn/files/place.hpp>
#include <nn/files/replace_file.hpp>
#include <nn/files/system_calls.hpp>

#include <algorithm>
#include <cerrno>
#include <random>
#include <stdexcept>
#include <utility>

namespace tapeloop::nn::detail {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_gathered = std::size_t{1} << 16;

/// Where the new file goes, and what is there.
struct Target {
    fs::path path;
    fs::path folder;
    bool exists = false;
    struct stat status {};
};

fs::path without_links(const WriteFault& fault, fs::path path) {
    constexpr int most_links = 40;
    std::error_code error;
    for (int links = 0; fs::is_symlink(fs::symlink_status(path, error)); ++links) {
        if (links == most_links) fault.raise("following its links", ELOOP);
        const fs::path next = fs::read_symlink(path, error);
        if (error) fault.raise("following its links", error.value());
        path = path.parent_path() / next;
    }
    return path;
}

Target target_of(WriteFault& fault, const fs::path& file) {
    Target target;
    target.path = without_links(fault, file);
    target.exists = ::stat(target.path.c_str(), &target.status) == 0;
    if (!target.exists && errno != ENOENT) fault.raise("looking for it", errno);
    fault.set_exists(target.exists);
    if (target.exists && S_ISDIR(target.status.st_mode)) fault.refuse("it is a folder");
    if (target.exists && !S_ISREG(target.status.st_mode)) fault.refuse("it is no regular file");
    if (!target.path.has_filename()) fault.refuse("it names no file");
    // A new name in the folder would pass over the protection of the file.
    if (target.exists && ::access(target.path.c_str(), W_OK) != 0) fault.raise("writing to it", errno);
    target.folder = target.path.has_parent_path() ? target.path.parent_path() : fs::path(".");
    std::error_code error;
    if (!fs::is_directory(target.folder, error))
        fault.refuse(fmt::format("there is no folder {}", target.folder.string()));
    return target;
}

/// The file that is written, until it is in place. What is left of it goes with the object.
class NewFile {
  public:
    NewFile(const Target& target, const WriteFault& fault) : target_(target), fault_(fault) {}
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (file_ >= 0) calls_.close(file_);
        if (!name_.empty()) calls_.remove(name_.c_str());
    }

    /// Returns the descriptor.
    int open() {
        open_unnamed();
        if (file_ < 0) open_named();
        if (target_.exists) take_permissions();
        return file_;
    }

    void move_into_place() {
        if (calls_.sync(file_) != 0) fault_.raise("bringing it to the disk (fsync)", errno);
        if (name_.empty()) link();
        // Some file systems report only here what could not be written.
        if (calls_.close(std::exchange(file_, -1)) != 0 && errno != EINTR) fault_.raise("closing it", errno);
        if (calls_.rename(name_.c_str(), target_.path.c_str()) != 0)
            fault_.raise("giving it its name (rename)", errno);
        name_.clear();
    }

  private:
    /// Never more than the old file allows, be it for a moment.
    unsigned mode() const { return target_.exists ? target_.status.st_mode & 0777U : 0666U; }

    fs::path new_name() const {
        constexpr std::size_t most_of_name = 100;  // what is added must fit, too
        std::random_device random;
        return target_.folder / fmt::format(".{}.{:08x}{:08x}.partial",
                                            target_.path.filename().string().substr(0, most_of_name),
                                            random(), random());
    }

    /// Of a file without a name nothing is left when the process ends. Not every file system has them.
    void open_unnamed() {
#ifdef O_TMPFILE
        if (::access("/proc/self/fd", X_OK) != 0) return;  // by which it is given a name
        file_ = calls_.open(target_.folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode());
#endif
    }

    template <class Take>
    bool under_new_name(const Take& take) {
        for (int tries = 0; tries < 100; ++tries) {
            const fs::path name = new_name();
            if (take(name.c_str())) {
                name_ = name;
                return true;
            }
            if (errno != EEXIST) break;
        }
        return false;
    }

    void open_named() {
        const bool done = under_new_name([&](const char* name) {
            file_ = calls_.open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode());
            return file_ >= 0;
        });
        if (!done) fault_.raise("making a file beside it", errno);
    }

    void link() {
        if (!under_new_name([&](const char* name) { return calls_.link(file_, name) == 0; }))
            fault_.raise("naming a file beside it", errno);
    }

    void take_permissions() {
        // Only root may give files away; a group that one belongs to may be kept. It comes first, for it
        // takes some permissions.
        if (::fchown(file_, target_.status.st_uid, target_.status.st_gid) != 0)
            static_cast<void>(::fchown(file_, static_cast<uid_t>(-1), target_.status.st_gid) == 0);
        if (::fchmod(file_, target_.status.st_mode & 07777U) != 0)
            fault_.raise("setting its permissions", errno);
    }

    const Target& target_;
    const WriteFault& fault_;
    SystemCalls& calls_ = system_calls();
    int file_ = -1;
    fs::path name_;
};

void sync_folder(const Target& target, const WriteFault& fault) {
    SystemCalls& calls = system_calls();
    const int folder = calls.open(target.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0) {
        if (errno == EACCES) return;  // one that may be written and not read
        fault.raise_in_place("opening its folder", errno);
    }
    const int error = calls.sync(folder) == 0 ? 0 : errno;
    calls.close(folder);
    // Not every file system can.
    if (error != 0 && error != EINVAL && error != ENOTSUP) fault.raise_in_place("fsync of its folder", error);
}

}  // namespace

WriteFault::WriteFault(std::string_view operation, const fs::path& file)
    : place_(fmt::format("{}: {} ", operation, file.string())) {}

void WriteFault::refuse(std::string_view reason) const {
    throw std::runtime_error(
        fmt::format("{}cannot be written: {}; {}", place_, reason,
                    exists_ ? "what was there stands unchanged" : "nothing was there, and nothing is"));
}

void WriteFault::raise(std::string_view step, int error) const {
    refuse(fmt::format("{}: {}", step, reason_of(error)));
}

void WriteFault::raise_in_place(std::string_view step, int error) const {
    throw std::runtime_error(
        fmt::format("{}was written and stands, but may be lost if the power fails now: {}: {}", place_, step,
                    reason_of(error)));
}

void FileWriter::write(const void* from, std::size_t bytes) {
    const auto* const begin = static_cast<const std::byte*>(from);
    if (gathered_.size() + bytes > most_gathered) flush();
    if (bytes > most_gathered)
        put(begin, bytes);
    else
        gathered_.insert(gathered_.end(), begin, begin + bytes);
}

void FileWriter::seek(std::uint64_t offset) {
    flush();
    offset_ = offset;
}

void FileWriter::flush() {
    put(gathered_.data(), gathered_.size());
    gathered_.clear();
}

void FileWriter::put(const std::byte* from, std::size_t bytes) {
    constexpr std::size_t most_at_once = std::size_t{1} << 30;
    while (bytes > 0) {
        const std::ptrdiff_t written =
            system_calls().write(file_, from, std::min(bytes, most_at_once), offset_);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) fault_.raise("writing", written < 0 ? errno : EIO);
        from += written;
        bytes -= static_cast<std::size_t>(written);
        offset_ += static_cast<std::uint64_t>(written);
    }
}

void replace_file(std::string_view operation, const fs::path& file,
                  const std::function<void(FileWriter&)>& write) {
    WriteFault fault(operation, file);
    const Target target = target_of(fault, file);
    {
        NewFile next(target, fault);
        FileWriter writer(next.open(), fault);
        write(writer);
        writer.flush();
        next.move_into_place();
    }
    sync_folder(target, fault);
}

}  // namespace tapeloop::nn::detail
