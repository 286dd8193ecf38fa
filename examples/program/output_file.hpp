#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace program {

/// Makes a folder, with those above it, if it is not there, and tries whether files can be made in it. Throws
/// `std::invalid_argument` when not; `flag` begins the message.
void prepare_folder(const std::string& flag, const std::filesystem::path& folder);

/// A file that a program writes after long work. Whatever can be known of it before is checked when this is
/// made. It is written whole, beside its place under a name that nobody else has, and then renamed: who reads
/// it meanwhile never sees half of one, and two programs that write the same file do not disturb each other.
class OutputFile {
  public:
    /// `flag` begins messages. Throws `std::invalid_argument` when the file could not be written: its folder
    /// is not there or takes no file of `bytes`; at its place is a folder, a link, a device, a file that is
    /// write-protected or one of `inputs`.
    OutputFile(std::string flag, std::filesystem::path path, std::vector<std::filesystem::path> inputs,
               std::size_t bytes);

    const std::filesystem::path& path() const { return path_; }

    /// Throws `std::runtime_error` when it cannot be written; what was there before is then left as it is.
    void write(std::string_view text) const;
    /// Writes for one who writes files: `make` is given the name that nobody else has.
    void write(const std::function<void(const std::filesystem::path&)>& make) const;

  private:
    /// Returns why nothing may be put at the file's place; empty when it may.
    std::string objection() const;
    /// Lets `fill` fill a new file beside the place, and moves it there.
    template <class Fill>
    void put(const Fill& fill) const;

    std::string flag_;
    std::filesystem::path path_;
    std::vector<std::filesystem::path> inputs_;
};

}  // namespace program
