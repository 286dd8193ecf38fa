#include "output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace program {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

[[noreturn]] void fail(int error) { throw std::system_error(error, std::generic_category()); }

/// A new file beside the one that it will replace, removed again unless it was renamed to it.
class Beside {
  public:
    explicit Beside(const fs::path& place) {
        std::random_device random;
        do {
            path_ = folder_of(place) / fmt::format(".{:08x}{:08x}.part", random(), random());
            descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        } while (descriptor_ == -1 && errno == EEXIST);
        if (descriptor_ == -1) fail(errno);
    }
    ~Beside() {
        if (descriptor_ != -1) ::close(descriptor_);
        if (!renamed_) unlink(path_.c_str());
    }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;

    const fs::path& path() const { return path_; }

    void reserve(std::size_t bytes) const {
        const int error = posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
        if (error != 0 && error != EOPNOTSUPP && error != EINVAL) fail(error);
    }
    void write(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t written = ::write(descriptor_, text.data(), text.size());
            if (written == -1 && errno != EINTR) fail(errno);
            if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void close() {
        if (::close(std::exchange(descriptor_, -1)) == -1) fail(errno);
    }
    void replace(const fs::path& place) {
        fs::rename(path_, place);
        renamed_ = true;
    }

  private:
    fs::path path_;
    int descriptor_;
    bool renamed_ = false;
};

}  // namespace

void prepare_folder(const std::string& flag, const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    std::error_code unknown;
    try {
        if (!fs::is_directory(folder, unknown))
            throw std::system_error(error     ? error
                                    : unknown ? unknown
                                              : std::make_error_code(std::errc::not_a_directory));
        const Beside trial(folder / "file");
        trial.reserve(1);
    } catch (const std::system_error& failure) {
        throw std::invalid_argument(
            fmt::format("{} '{}': no files can be made there: {}; give another folder", flag, folder.string(),
                        failure.code().message()));
    }
}

OutputFile::OutputFile(std::string flag, fs::path path, std::vector<fs::path> inputs, std::size_t bytes)
    : flag_(std::move(flag)), path_(std::move(path)), inputs_(std::move(inputs)) {
    std::string reason = objection();
    if (reason.empty()) {
        try {
            const Beside trial(path_);
            trial.reserve(bytes);
        } catch (const std::system_error& error) {
            reason =
                fmt::format("a file of {} bytes cannot be made there: {}", bytes, error.code().message());
        }
    }
    if (!reason.empty())
        throw std::invalid_argument(fmt::format("{} '{}': {}", flag_, path_.string(), reason));
}

std::string OutputFile::objection() const {
    std::error_code error;
    if (!path_.has_filename()) return "is no name of a file";
    const fs::file_status folder = fs::status(folder_of(path_), error);
    if (folder.type() == fs::file_type::not_found) return "there is no such folder; make it first";
    if (error) return error.message();
    if (!fs::is_directory(folder)) return fmt::format("{} is no folder", folder_of(path_).string());
    const fs::file_status there = fs::symlink_status(path_, error);
    if (there.type() == fs::file_type::not_found) return "";
    if (error) return error.message();
    if (fs::is_directory(there)) return "is a folder; give the name of a file";
    if (fs::is_symlink(there)) return "is a link, which would be lost; give the name of a file";
    if (!fs::is_regular_file(there)) return "is no plain file and would be lost; give the name of another";
    for (const fs::path& input : inputs_)
        if (fs::equivalent(path_, input, error))
            return "is what is read, and would be lost; give another name";
    if (access(path_.c_str(), W_OK) == -1) return "is write-protected; give another name";
    return "";
}

template <class Fill>
void OutputFile::put(const Fill& fill) const {
    std::string reason = objection();
    try {
        if (reason.empty()) {
            Beside beside(path_);
            fill(beside);
            beside.replace(path_);
        }
    } catch (const std::system_error& error) {
        reason = error.code().message();
    } catch (const std::invalid_argument& error) {
        reason = error.what();
    }
    if (!reason.empty())
        throw std::runtime_error(fmt::format("{} '{}' was not written: {}", flag_, path_.string(), reason));
}

void OutputFile::write(std::string_view text) const {
    put([&](Beside& beside) {
        beside.write(text);
        beside.close();
    });
}

void OutputFile::write(const std::function<void(const fs::path&)>& make) const {
    put([&](Beside& beside) {
        beside.close();
        make(beside.path());
    });
}

}  // namespace program
