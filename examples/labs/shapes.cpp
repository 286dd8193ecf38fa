#include "shapes.hpp"

#include <algorithm>

namespace lab {

using tapeloop::nn::Generator;

namespace {

struct NamedColour {
    const char* name;
    Colour colour;
};
constexpr std::array colours{NamedColour{"red", {213, 62, 40}}, NamedColour{"green", {0, 158, 115}},
                             NamedColour{"blue", {0, 114, 178}}, NamedColour{"yellow", {240, 200, 30}}};

/// A shape that says whether it covers a point; its centre is 0, 0, and it reaches to 1 in each direction.
struct Form {
    const char* name;
    bool (*covers)(double x, double y);
};
constexpr std::array forms{Form{"circle", [](double x, double y) { return x * x + y * y <= 1; }},
                           Form{"square", [](double, double) { return true; }},
                           Form{"triangle", [](double x, double y) { return 2 * (x < 0 ? -x : x) <= y + 1; }},
                           Form{"cross", [](double x, double y) { return x * x < 0.15 || y * y < 0.15; }}};

/// Draws a shape somewhere in the columns from `left` on and says what it is: `a red circle`.
Words add_shape(std::vector<Colour>& pixels, std::size_t left, std::size_t width, Generator& generator) {
    const NamedColour& colour = colours[generator.below(colours.size())];
    const Form& form = forms[generator.below(forms.size())];
    const bool small = generator.below(2) == 1;
    const std::size_t extent = small ? 5 : 9;
    const std::size_t x0 = left + generator.below(width - extent + 1);
    const std::size_t y0 = generator.below(picture_side - extent + 1);
    const double radius = static_cast<double>(extent) / 2;
    for (std::size_t y = 0; y < extent; ++y)
        for (std::size_t x = 0; x < extent; ++x)
            if (form.covers((static_cast<double>(x) + 0.5) / radius - 1,
                            (static_cast<double>(y) + 0.5) / radius - 1))
                pixels[(y0 + y) * picture_side + x0 + x] = colour.colour;
    return {"a", small ? "small" : "big", colour.name, form.name};
}

/// `a small red circle`, or `a big blue cross left of a small red circle`.
Example draw_example(Generator& generator) {
    Example example{std::vector<Colour>(picture_side * picture_side, {255, 255, 255}), {}};
    if (generator.below(2) == 0) {
        example.caption = add_shape(example.pixels, 0, picture_side, generator);
        return example;
    }
    example.caption = add_shape(example.pixels, 0, picture_side / 2, generator);
    const Words second = add_shape(example.pixels, picture_side / 2, picture_side / 2, generator);
    example.caption.insert(example.caption.end(), {"left", "of"});
    example.caption.insert(example.caption.end(), second.begin(), second.end());
    return example;
}

}  // namespace

std::vector<Example> draw_examples(std::size_t count, Generator& generator) {
    std::vector<Example> examples;
    while (examples.size() < count) examples.push_back(draw_example(generator));
    return examples;
}

Words caption_words() {
    Words words{"a", "small", "big", "left", "of"};
    for (const NamedColour& colour : colours) words.emplace_back(colour.name);
    for (const Form& form : forms) words.emplace_back(form.name);
    return words;
}

}  // namespace lab
