#pragma once

#include <nn/files/named_arrays.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

/// What the tests of files share: a folder of their own, and files as strings of bytes.
namespace tapeloop::test {

/// A folder that is there as long as the object.
class Folder {
  public:
    Folder() : path_(std::filesystem::temp_directory_path() / fresh_name()) {
        std::filesystem::create_directories(path_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }
    /// The names of all that is in it, sorted, hidden files included.
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            all.push_back(entry.path().filename().string());
        std::sort(all.begin(), all.end());
        return all;
    }

  private:
    static std::string fresh_name() {
        static std::atomic<int> number = 0;
        return fmt::format("tapeloop_files_{}_{}", getpid(), number++);
    }
    std::filesystem::path path_;
};

inline void put_bytes(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
}

inline std::string bytes_in(const std::filesystem::path& file) {
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    return bytes.str();
}

inline std::span<const std::byte> as_bytes(const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// The bytes of a value as they lie in memory.
template <class V>
std::string bytes_of_value(const V& value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

template <class V>
std::string bytes_of_values(const std::vector<V>& values) {
    std::string bytes;
    for (const V& value : values) bytes += bytes_of_value(value);
    return bytes;
}

/// A safetensors file of any header, as it stands, and any data.
inline std::string safetensors(const std::string& header, const std::string& data = "") {
    return bytes_of_value(std::uint64_t{header.size()}) + header + data;
}

/// An npy file of any dictionary, as it stands, and any data.
inline std::string npy(const std::string& dictionary, const std::string& data = "", char version = 1) {
    std::string bytes = std::string("\x93NUMPY") + version + '\0';
    bytes += bytes_of_value(static_cast<std::uint32_t>(dictionary.size())).substr(0, version == 1 ? 2 : 4);
    return bytes + dictionary + data;
}

/// The elements of an array as bytes, with its type and shape in front, by which arrays are compared bit for
/// bit.
inline std::string bits_of(const nn::AnyArray& array) {
    return std::visit(
        [&](const auto& one) {
            std::string bits = fmt::format("type {} of shape [", array.index());
            for (const auto extent : one.shape()) bits += fmt::format("{} ", extent);
            return bits + "]: " +
                   std::string(reinterpret_cast<const char*>(one.data()), one.size() * sizeof(*one.data()));
        },
        array);
}

inline bool same_bits(const nn::AnyArray& a, const nn::AnyArray& b) { return bits_of(a) == bits_of(b); }

/// An array of these elements in row-major order.
template <class A>
A array_of(const std::vector<std::size_t>& shape, const std::vector<typename A::value_type>& elements) {
    A array(typename A::shape_type(shape.begin(), shape.end()));
    std::copy(elements.begin(), elements.end(), array.data());
    return array;
}

}  // namespace tapeloop::test
