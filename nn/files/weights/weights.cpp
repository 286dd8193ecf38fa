#include <fmt/format.h>
#include <nn/files/weights/fit.hpp>
#ifdef TAPELOOP_HAS_NPZ
#include <nn/files/npz/npz.hpp>
#endif
#include <nn/files/safetensors.hpp>
#include <nn/files/weights/transfer.hpp>
#include <nn/files/weights/weights.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

namespace {

[[noreturn]] void fail_format(std::string_view operation, const std::filesystem::path& file,
                              std::string_view reason) {
    throw std::invalid_argument(fmt::format("{}: {}: {}", operation, file.string(), reason));
}

enum class Format { safetensors, npz };

/// The format that the extension says. What fails for it fails before anything is read or computed.
Format format_of(std::string_view operation, const std::filesystem::path& file) {
    const std::filesystem::path extension = file.extension();
    if (extension == ".safetensors") return Format::safetensors;
    if (extension != ".npz")
        fail_format(operation, file, "the extension says the format, and must be .safetensors or .npz");
#ifndef TAPELOOP_HAS_NPZ
    fail_format(operation, file, "npz is not built in, for libzip was missing; .safetensors is");
#endif
    return Format::npz;
}

NamedArrays read(const std::filesystem::path& file, [[maybe_unused]] Format format) {
#ifdef TAPELOOP_HAS_NPZ
    if (format == Format::npz) return read_npz(file);
#endif
    return read_safetensors(file);
}

void write(const std::filesystem::path& file, [[maybe_unused]] Format format,
           std::span<const ArrayView> arrays, const std::map<std::string, std::string>& metadata) {
#ifdef TAPELOOP_HAS_NPZ
    if (format == Format::npz) return write_npz(file, arrays);
#endif
    write_safetensors(file, arrays, metadata);
}

template <class T>
void take_over(const NamedArrays& given, const Naming<T>& naming, LoadOptions options,
               std::string_view where) {
    require_whole_parameters("load", naming);
    const Fit found = require_fit(given, naming, options, where);
    // The values by the first of several names, from whichever of them is there.
    std::vector<const AnyArray*> values(naming.size(), nullptr);
    for (std::size_t k = 0; k < naming.size(); ++k)
        if (found.arrays[k] != nullptr) values[found.same_as[k]] = found.arrays[k];
    for (const bool seconds : {false, true})
        for (std::size_t k = 0; k < naming.size(); ++k) {
            if (found.same_as[k] != k) continue;
            if (values[k] == nullptr) {
                if (!seconds) take_zeros(naming[k]);
            } else if (const auto* floats = std::get_if<Tensor<float>>(values[k])) {
                take(naming[k], floats->data(), seconds);
            } else {
                take(naming[k], std::get<Tensor<double>>(*values[k]).data(), seconds);
            }
        }
}

template <class T>
void load_file(const std::filesystem::path& file, const Naming<T>& naming, LoadOptions options) {
    const Format format = format_of("load", file);
    take_over(read(file, format), naming, options, file.string() + " does");
}

template <class T>
const Tensor<T>& value_of(const Parameter<T>& parameter) {
    return parameter.value();
}

template <class T>
void save_file(const std::filesystem::path& file, const Naming<T>& naming,
               const std::map<std::string, std::string>& metadata) {
    const Format format = format_of("save", file);
    if (format == Format::npz && !metadata.empty())
        fail_format("save", file, "an npz has no place for metadata; .safetensors has");
    require_whole_parameters("save", naming);
    write(file, format, outgoing<T>(naming, value_of<T>, Second::zero).views, metadata);
}

template <class T>
NamedArrays arrays_of(const Naming<T>& naming) {
    require_whole_parameters("named_arrays", naming);
    return copied(outgoing<T>(naming, value_of<T>, Second::zero));
}

}  // namespace

void load(const std::filesystem::path& file, const Naming<float>& naming, LoadOptions options) {
    load_file(file, naming, options);
}
void load(const std::filesystem::path& file, const Naming<double>& naming, LoadOptions options) {
    load_file(file, naming, options);
}

void load(const NamedArrays& arrays, const Naming<float>& naming, LoadOptions options) {
    take_over(arrays, naming, options, "the arrays do");
}
void load(const NamedArrays& arrays, const Naming<double>& naming, LoadOptions options) {
    take_over(arrays, naming, options, "the arrays do");
}

void save(const std::filesystem::path& file, const Naming<float>& naming,
          const std::map<std::string, std::string>& metadata) {
    save_file(file, naming, metadata);
}
void save(const std::filesystem::path& file, const Naming<double>& naming,
          const std::map<std::string, std::string>& metadata) {
    save_file(file, naming, metadata);
}

NamedArrays named_arrays(const Naming<float>& naming) { return arrays_of(naming); }
NamedArrays named_arrays(const Naming<double>& naming) { return arrays_of(naming); }

}  // namespace tapeloop::nn
