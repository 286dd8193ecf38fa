#include <fmt/format.h>
#include <nn/files/npy_format.hpp>
#include <nn/files/npz/npz.hpp>
#include <nn/files/npz/zip_pointers.hpp>

#include <algorithm>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::string_view ending = ".npy";
constexpr std::size_t most_at_once = std::size_t{1} << 30;

/// An entry of an archive, unpacked.
class ZipEntrySource : public ByteSource {
  public:
    ZipEntrySource(const Place& place, zip_t* archive, const zip_stat_t& entry)
        : ByteSource(entry.size), place_(place), file_(zip_fopen_index(archive, entry.index, 0)) {
        if (!file_) place.refuse(fmt::format("it cannot be unpacked: {}", zip_strerror(archive)));
    }

    /// Behind the last byte the checksum is compared.
    void require_end() {
        char more = 0;
        const zip_int64_t count = zip_fread(file_.get(), &more, 1);
        if (count < 0) refuse_damage();
        if (count > 0) place_.refuse("it is longer than the archive says");
    }

  private:
    void fetch(std::byte* to, std::size_t bytes) override {
        while (bytes > 0) {
            // Asked for more than 4 GB at once, libzip 1.7 says that it read them all when it read the first.
            const zip_int64_t count = zip_fread(file_.get(), to, std::min(bytes, most_at_once));
            if (count < 0) refuse_damage();
            if (count == 0) place_.refuse("it is shorter than the archive says");
            to += count;
            bytes -= static_cast<std::size_t>(count);
        }
    }
    [[noreturn]] void refuse_damage() const {
        place_.refuse(fmt::format("it is damaged: {}", zip_file_strerror(file_.get())));
    }

    const Place& place_;
    ZipFilePointer file_;
};

/// An entry says how long it will be; no packed bytes become more than this allows.
void require_size(const Place& place, const zip_stat_t& entry, std::uint64_t bytes) {
    constexpr zip_uint64_t most_for_a_byte = 1032;  // deflate's bound: 258 bytes of two bits
    if (entry.comp_size > bytes)
        place.refuse(
            fmt::format("it has {} bytes packed, and the archive {} in all", entry.comp_size, bytes));
    const bool is_stored = entry.comp_method == ZIP_CM_STORE;
    if (is_stored ? entry.size != entry.comp_size : entry.size / most_for_a_byte > entry.comp_size)
        place.refuse(fmt::format("it cannot have {} bytes, packed in {}", entry.size, entry.comp_size));
}

AnyArray read_entry(const Place& place, zip_t* archive, const zip_stat_t& entry, std::uint64_t bytes) {
    if (entry.encryption_method != ZIP_EM_NONE) place.refuse("it is encrypted");
    if (entry.comp_method != ZIP_CM_STORE && entry.comp_method != ZIP_CM_DEFLATE)
        place.refuse(fmt::format("it is packed by method {}; only 0, stored, and 8, deflated, are read",
                                 entry.comp_method));
    require_size(place, entry, bytes);
    ZipEntrySource source(place, archive, entry);
    AnyArray array = read_npy_array(place, source);
    source.require_end();
    return array;
}

NamedArrays read(const Place& place, zip_t* archive, std::uint64_t bytes) {
    constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_INDEX | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                    ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    NamedArrays result;
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    for (zip_int64_t k = 0; k < count; ++k) {
        zip_stat_t entry;
        zip_stat_init(&entry);
        if (zip_stat_index(archive, static_cast<zip_uint64_t>(k), 0, &entry) != 0 ||
            (entry.valid & needed) != needed)
            place.refuse(fmt::format("entry {} is damaged: {}", k, zip_strerror(archive)));
        const std::string_view name = entry.name;
        const Place entry_place = place.in_array(name);
        if (!name.ends_with(ending)) entry_place.refuse("it is no array, which would end with .npy");
        const std::string key(name.substr(0, name.size() - ending.size()));
        if (result.arrays.contains(key)) entry_place.refuse("there are two of this name");
        result.arrays.emplace(key, read_entry(entry_place, archive, entry, bytes));
    }
    return result;
}

NamedArrays read(const Place& place, ZipSourcePointer source, std::uint64_t bytes) {
    if (bytes == 0) place.refuse("it is no zip archive, but empty");  // to libzip it is one without entries
    ZipError error;
    const ZipPointer archive(zip_open_from_source(source.get(), ZIP_RDONLY, error.get()));
    if (!archive) place.refuse(fmt::format("it is no zip archive, or was damaged: {}", error.text()));
    static_cast<void>(source.release());  // it is the archive's now
    return read(place, archive.get(), bytes);
}

}  // namespace

NamedArrays read_npz(const std::filesystem::path& file) {
    const Place place = Place("read_npz").in_file(file);
    const std::uint64_t bytes = FileSource(place, file).left();
    ZipError error;
    ZipSourcePointer source(zip_source_file_create(file.c_str(), 0, -1, error.get()));
    if (!source) place.fail(fmt::format("it cannot be opened: {}", error.text()));
    return read(place, std::move(source), bytes);
}

NamedArrays parse_npz(std::span<const std::byte> bytes) {
    const Place place("parse_npz");
    ZipError error;
    ZipSourcePointer source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, error.get()));
    if (!source) place.refuse(fmt::format("it cannot be read: {}", error.text()));
    return read(place, std::move(source), bytes.size());
}

}  // namespace tapeloop::nn
