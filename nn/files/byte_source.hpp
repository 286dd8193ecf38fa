#pragma once

#include <nn/files/place.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace tapeloop::nn::detail {

/// Bytes that are read in order. How many there are is known before, so that nothing is made to hold more.
class ByteSource {
  public:
    explicit ByteSource(std::uint64_t bytes) : left_(bytes) {}
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;

    std::uint64_t left() const { return left_; }
    /// Reads so many bytes, which must be left.
    void read(void* to, std::size_t bytes);

  private:
    virtual void fetch(std::byte* to, std::size_t bytes) = 0;

    std::uint64_t left_;
};

/// Bytes that lie in memory.
class MemorySource : public ByteSource {
  public:
    explicit MemorySource(std::span<const std::byte> bytes) : ByteSource(bytes.size()), next_(bytes.data()) {}

  private:
    void fetch(std::byte* to, std::size_t bytes) override;

    const std::byte* next_;
};

/// The bytes of a file.
class FileSource : public ByteSource {
  public:
    /// Throws `std::runtime_error`, at `place`, when there is no regular file that may be read.
    FileSource(Place place, const std::filesystem::path& file);
    ~FileSource() override;

  private:
    struct Open {
        int descriptor;
        std::uint64_t bytes;
    };
    static Open open(const Place& place, const std::filesystem::path& file);
    FileSource(Place place, Open opened);
    void fetch(std::byte* to, std::size_t bytes) override;

    Place place_;
    int file_;
};

}  // namespace tapeloop::nn::detail
