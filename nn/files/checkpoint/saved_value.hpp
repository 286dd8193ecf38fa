#pragma once

#include <nn/files/checkpoint/saved.hpp>

#include <concepts>

namespace tapeloop::nn {

/// A number of the user's: bool, an integer, float or double.
template <class X>
concept SavedNumber = std::same_as<X, bool> || std::same_as<X, float> || std::same_as<X, double> ||
    std::same_as<X, signed char> || std::same_as<X, unsigned char> || std::same_as<X, short> ||
    std::same_as<X, unsigned short> || std::same_as<X, int> || std::same_as<X, unsigned> ||
    std::same_as<X, long> || std::same_as<X, unsigned long> || std::same_as<X, long long> ||
    std::same_as<X, unsigned long long>;

namespace detail {

template <SavedNumber X>
Saved saved_number(X& value);
template <SavedNumber X>
Saved saved_numbers(std::vector<X>& values);
Saved saved_text(std::string& text);
Saved saved_texts(std::vector<std::string>& texts);

inline Saved saved_value(std::string& text) { return saved_text(text); }
inline Saved saved_value(std::vector<std::string>& texts) { return saved_texts(texts); }
template <SavedNumber X>
Saved saved_value(X& value) {
    return saved_number(value);
}
template <SavedNumber X>
Saved saved_value(std::vector<X>& values) {
    return saved_numbers(values);
}

}  // namespace detail

/// A value of the user's that a checkpoint can hold: a number, a text, or a vector of one of them.
template <class V>
concept SavedValue = requires(V& value) {
    detail::saved_value(value);
};

}  // namespace tapeloop::nn
