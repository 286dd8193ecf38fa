#pragma once

#include "words.hpp"

#include <nn/generator.hpp>

#include <array>
#include <cstdint>

/// Small pictures of coloured shapes, with the sentence that describes each.
namespace lab {

inline constexpr std::size_t picture_side = 20;

/// Red, green, blue.
using Colour = std::array<std::uint8_t, 3>;

struct Example {
    std::vector<Colour> pixels;  ///< row by row from the top
    Words caption;               ///< `a big blue cross left of a small red circle`, or of one shape alone
};

/// Pictures with one shape anywhere, or with one in each half.
std::vector<Example> draw_examples(std::size_t count, tapeloop::nn::Generator& generator);

/// Every word that a caption may have.
Words caption_words();

}  // namespace lab
