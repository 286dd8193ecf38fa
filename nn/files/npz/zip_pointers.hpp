#pragma once

#include <zip.h>

#include <memory>

namespace tapeloop::nn::detail {

/// Lets an archive go without writing it.
struct DiscardZip {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
using ZipPointer = std::unique_ptr<zip_t, DiscardZip>;

struct FreeZipSource {
    void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using ZipSourcePointer = std::unique_ptr<zip_source_t, FreeZipSource>;

struct CloseZipFile {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZipFilePointer = std::unique_ptr<zip_file_t, CloseZipFile>;

/// libzip's account of what went wrong.
class ZipError {
  public:
    ZipError() { zip_error_init(&error_); }
    ZipError(const ZipError&) = delete;
    ZipError& operator=(const ZipError&) = delete;
    ~ZipError() { zip_error_fini(&error_); }

    zip_error_t* get() { return &error_; }
    const char* text() { return zip_error_strerror(&error_); }

  private:
    zip_error_t error_{};
};

}  // namespace tapeloop::nn::detail
