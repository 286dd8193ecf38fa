#include <fmt/format.h>
#include <nn/files/npy_format.hpp>
#include <nn/files/npz/npz.hpp>
#include <nn/files/npz/zip_pointers.hpp>
#include <nn/files/replace_file.hpp>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <exception>

namespace tapeloop::nn {

using namespace detail;

namespace {

/// Takes what libzip writes. An exception on the way is kept, for it cannot pass through C.
class ZipTarget {
  public:
    explicit ZipTarget(FileWriter& file) : file_(file) {}
    ZipTarget(const ZipTarget&) = delete;
    ZipTarget& operator=(const ZipTarget&) = delete;
    ~ZipTarget() = default;

    zip_source_t* source() { return zip_source_function_create(&call, this, error_.get()); }
    void rethrow() const {
        if (fault_) std::rethrow_exception(fault_);
    }

  private:
    static zip_int64_t call(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command) {
        auto& target = *static_cast<ZipTarget*>(self);
        try {
            return target.answer(data, length, command);
        } catch (...) {
            target.fault_ = std::current_exception();
            zip_error_set(target.error_.get(), ZIP_ER_WRITE, EIO);
            return -1;
        }
    }

    zip_int64_t answer(void* data, zip_uint64_t length, zip_source_cmd_t command) {
        switch (command) {
            case ZIP_SOURCE_SUPPORTS:
                return zip_source_make_command_bitmap(
                    ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
                    ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE,
                    ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_WRITE,
                    ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_REMOVE, -1);
            case ZIP_SOURCE_STAT:
                return stat(*static_cast<zip_stat_t*>(data));
            case ZIP_SOURCE_ERROR:
                return zip_error_to_data(error_.get(), data, length);
            case ZIP_SOURCE_WRITE:
                file_.write(data, length);
                end_ = std::max(end_, file_.offset());
                return static_cast<zip_int64_t>(length);
            case ZIP_SOURCE_SEEK_WRITE:
                return seek(data, length);
            case ZIP_SOURCE_TELL_WRITE:
                return static_cast<zip_int64_t>(file_.offset());
            default:
                return 0;  // there is nothing to read yet, and nothing to undo here
        }
    }

    static zip_int64_t stat(zip_stat_t& status) {
        zip_stat_init(&status);
        status.size = 0;
        status.valid = ZIP_STAT_SIZE;
        return sizeof status;
    }

    zip_int64_t seek(void* data, zip_uint64_t length) {
        const zip_int64_t offset =
            zip_source_seek_compute_offset(file_.offset(), end_, data, length, error_.get());
        if (offset < 0) return -1;
        file_.seek(static_cast<std::uint64_t>(offset));
        return 0;
    }

    FileWriter& file_;
    ZipError error_;
    std::uint64_t end_ = 0;
    std::exception_ptr fault_;
};

/// The arrays in the order of their names, checked.
std::vector<const ArrayView*> sorted(const Place& place, std::span<const ArrayView> arrays) {
    std::vector<const ArrayView*> order;
    order.reserve(arrays.size());
    for (const ArrayView& array : arrays) {
        const Place here = place.in_array(array.name);
        if (valid_utf8_length(array.name) != array.name.size() || array.name.find('\0') != std::string::npos)
            here.refuse("its name must be UTF-8 without zeros");
        require_view(here, array);
        order.push_back(&array);
    }
    const auto name_of = [](const ArrayView* array) -> const std::string& { return array->name; };
    std::sort(order.begin(), order.end(),
              [&](const ArrayView* a, const ArrayView* b) { return name_of(a) < name_of(b); });
    const auto twice =
        std::adjacent_find(order.begin(), order.end(),
                           [&](const ArrayView* a, const ArrayView* b) { return name_of(a) == name_of(b); });
    if (twice != order.end())
        place.in_array(name_of(*twice)).refuse("there are two of this name; each array needs its own");
    return order;
}

/// Adds an entry, whose elements stay where they are until the archive is written.
void add(const Place& place, zip_t* archive, const ArrayView& array, const std::string& header) {
    const std::uint64_t bytes = require_view(place, array);
    // libzip takes both for bytes that it might change, and does not.
    std::array<zip_buffer_fragment_t, 2> parts{};
    parts[0] = {reinterpret_cast<zip_uint8_t*>(const_cast<char*>(header.data())), header.size()};
    parts[1] = {static_cast<zip_uint8_t*>(const_cast<void*>(array.data)), bytes};
    ZipSourcePointer source(zip_source_buffer_fragment(archive, parts.data(), bytes == 0 ? 1 : 2, 0));
    const zip_int64_t index =
        source ? zip_file_add(archive, (array.name + ".npy").c_str(), source.get(), ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) place.fail(fmt::format("it cannot be added: {}", zip_strerror(archive)));
    static_cast<void>(source.release());  // it is the archive's now
    constexpr zip_uint16_t first_of_1980 = (1U << 5) | 1U;
    const auto entry = static_cast<zip_uint64_t>(index);
    if (zip_set_file_compression(archive, entry, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive, entry, 0, first_of_1980, 0) != 0)
        place.fail(fmt::format("it cannot be added: {}", zip_strerror(archive)));
}

void write(const Place& place, FileWriter& out, const std::vector<const ArrayView*>& arrays) {
    if (arrays.empty()) {
        // libzip would rather remove an archive than write one without entries: this is the end of any.
        constexpr std::size_t zeros = 18;
        return out.write("PK\5\6" + std::string(zeros, '\0'));
    }
    ZipTarget target(out);
    ZipError error;
    ZipSourcePointer source(target.source());
    ZipPointer archive(source ? zip_open_from_source(source.get(), ZIP_CREATE | ZIP_TRUNCATE, error.get())
                              : nullptr);
    if (!archive) place.fail(fmt::format("the archive cannot be made: {}", error.text()));
    static_cast<void>(source.release());  // it is the archive's now
    std::deque<std::string> headers;      // they stay where they are
    for (const ArrayView* array : arrays)
        add(place.in_array(array->name), archive.get(), *array, headers.emplace_back(npy_header(*array)));
    if (zip_close(archive.get()) != 0) {
        target.rethrow();
        place.fail(fmt::format("the archive cannot be written: {}", zip_strerror(archive.get())));
    }
    static_cast<void>(archive.release());  // closing has freed it
}

}  // namespace

void write_npz(const std::filesystem::path& file, std::span<const ArrayView> arrays) {
    const Place place = Place("write_npz").in_file(file);
    const std::vector<const ArrayView*> order = sorted(place, arrays);
    replace_file("write_npz", file, [&](FileWriter& out) { write(place, out, order); });
}

}  // namespace tapeloop::nn
