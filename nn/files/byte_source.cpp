#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <nn/files/byte_source.hpp>
#include <nn/files/system_calls.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tapeloop::nn::detail {

void ByteSource::read(void* to, std::size_t bytes) {
    if (bytes > left_) throw std::logic_error("ByteSource: read past the end");
    if (bytes == 0) return;
    fetch(static_cast<std::byte*>(to), bytes);
    left_ -= bytes;
}

void MemorySource::fetch(std::byte* to, std::size_t bytes) {
    std::memcpy(to, next_, bytes);
    next_ += bytes;
}

FileSource::FileSource(Place place, const std::filesystem::path& file)
    : FileSource(place, open(place, file)) {}

FileSource::FileSource(Place place, Open opened)
    : ByteSource(opened.bytes), place_(std::move(place)), file_(opened.descriptor) {}

FileSource::~FileSource() { system_calls().close(file_); }

FileSource::Open FileSource::open(const Place& place, const std::filesystem::path& file) {
    // What is no file must not keep the program waiting.
    const int descriptor = system_calls().open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (descriptor < 0) place.fail(fmt::format("it cannot be opened: {}", reason_of(errno)));
    struct stat status {};
    const bool is_known = ::fstat(descriptor, &status) == 0;
    if (is_known && S_ISREG(status.st_mode)) return {descriptor, static_cast<std::uint64_t>(status.st_size)};
    const int error = errno;
    system_calls().close(descriptor);
    if (!is_known) place.fail(fmt::format("its size cannot be read: {}", reason_of(error)));
    place.fail(S_ISDIR(status.st_mode) ? "it is a folder" : "it is no regular file");
}

void FileSource::fetch(std::byte* to, std::size_t bytes) {
    constexpr std::size_t most_at_once = std::size_t{1} << 30;
    while (bytes > 0) {
        const std::ptrdiff_t count = system_calls().read(file_, to, std::min(bytes, most_at_once));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) place_.fail(fmt::format("it cannot be read: {}", reason_of(errno)));
        if (count == 0) place_.fail("it became shorter while it was read");
        to += count;
        bytes -= static_cast<std::size_t>(count);
    }
}

}  // namespace tapeloop::nn::detail
