#pragma once

#include <nn/files/named_arrays.hpp>
#include <nn/files/weights/naming.hpp>

#include <filesystem>

namespace tapeloop::nn {

/// What `load` puts up with.
struct LoadOptions {
    bool left_over = false;       ///< whether arrays that nobody asks for are passed over
    bool without_biases = false;  ///< whether biases that are missing are zero
};

/// Gives parameters the values of a file: `load("model.safetensors", model.parameters())` reads what `save`
/// wrote, `load("model.safetensors", naming)` what others did. The extension says the format: .safetensors,
/// or .npz where libzip is.
///
/// Numbers of `float` become `double` as they are, numbers of `double` are rounded to `float`, and one that
/// is beyond its range is refused. Where others have a bias twice, the sum of the two comes in. Parameters
/// that are one here under several names must be equal there; one of the names is enough.
///
/// Throws `std::invalid_argument` when names are missing or left over, shapes differ or numbers do not fit,
/// and lists all that is wrong; no parameter is changed then. Throws `std::runtime_error` when the file
/// cannot be read.
void load(const std::filesystem::path& file, const Naming<float>& naming, LoadOptions options = {});
void load(const std::filesystem::path& file, const Naming<double>& naming, LoadOptions options = {});

/// Gives parameters the values of arrays, as the one above those of a file.
void load(const NamedArrays& arrays, const Naming<float>& naming, LoadOptions options = {});
void load(const NamedArrays& arrays, const Naming<double>& naming, LoadOptions options = {});

/// Writes the values of parameters into a file, under their paths or as others call and lay them out, in the
/// format that the extension says. Of a bias that others have twice all goes into the first, and the second
/// is zero. `metadata` are texts about the whole, for which an .npz has no place.
///
/// Throws `std::invalid_argument` when the naming does not hold every part of its parameters once, and
/// `std::runtime_error` when the file cannot be written.
void save(const std::filesystem::path& file, const Naming<float>& naming,
          const std::map<std::string, std::string>& metadata = {});
void save(const std::filesystem::path& file, const Naming<double>& naming,
          const std::map<std::string, std::string>& metadata = {});

/// Returns the arrays that `save` writes.
NamedArrays named_arrays(const Naming<float>& naming);
NamedArrays named_arrays(const Naming<double>& naming);

}  // namespace tapeloop::nn
