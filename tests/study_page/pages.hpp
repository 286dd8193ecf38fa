#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>

/// Pages for the tests; each function writes one and returns what it has to show.
namespace study_page {

/// Elman and LSTM; and one network before a training and after it.
nlohmann::json write_comparisons(const std::filesystem::path& folder);

/// A network whose gradients explode, after ten steps of the same training with clipping and without.
nlohmann::json write_clipping(const std::filesystem::path& path);

/// A training recorded as a film.
nlohmann::json write_film(const std::filesystem::path& path);

/// What one network does when its W grows.
nlohmann::json write_growing(const std::filesystem::path& path);

}  // namespace study_page
