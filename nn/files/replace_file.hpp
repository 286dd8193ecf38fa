#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop::nn::detail {

/// Says why a file cannot be written, and what stands under its name now.
class WriteFault {
  public:
    WriteFault(std::string_view operation, const std::filesystem::path& file);
    void set_exists(bool exists) { exists_ = exists; }
    /// Throws `std::runtime_error`: nothing was changed.
    [[noreturn]] void refuse(std::string_view reason) const;
    /// Throws `std::runtime_error` with the reason in `error`, an `errno`: nothing was changed.
    [[noreturn]] void raise(std::string_view step, int error) const;
    /// Throws `std::runtime_error`: the new file stands, but may be lost with the power.
    [[noreturn]] void raise_in_place(std::string_view step, int error) const;

  private:
    std::string place_;
    bool exists_ = false;
};

/// A file while it is written. What is small is gathered; large pieces go to the system from where they lie.
class FileWriter {
  public:
    FileWriter(int file, const WriteFault& fault) : file_(file), fault_(fault) {}

    /// Writes at the offset, and moves it on. Throws `std::runtime_error` when the system does not.
    void write(const void* from, std::size_t bytes);
    void write(std::string_view text) { write(text.data(), text.size()); }
    std::uint64_t offset() const { return offset_ + gathered_.size(); }
    /// Goes to an offset, over what is there or behind it.
    void seek(std::uint64_t offset);
    /// Hands on what is gathered.
    void flush();

  private:
    void put(const std::byte* from, std::size_t bytes);

    int file_;
    const WriteFault& fault_;
    std::uint64_t offset_ = 0;
    std::vector<std::byte> gathered_;
};

/// Makes a file of what `write` writes, or leaves everything as it was: whoever looks, and whenever the
/// process or the machine stops, there is the old file or the new one, whole. It is written without a name or
/// under one that nobody else has, in the same folder; it and its name are on the disk before this returns.
///
/// The new file has the old one's permissions and, where the system allows it, its owner. Where `file` is a
/// symbolic link, what it refers to is replaced. Other hard links keep the old contents.
///
/// Throws `std::runtime_error`, naming `operation`, when the system does not do it, and says whether the old
/// file stands; what `write` throws comes through. `file` must name a regular file, or none yet.
void replace_file(std::string_view operation, const std::filesystem::path& file,
                  const std::function<void(FileWriter&)>& write);

}  // namespace tapeloop::nn::detail
