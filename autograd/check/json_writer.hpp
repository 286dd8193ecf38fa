#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

/// Reports are written as JSON by this, so that a user of the checks links no JSON library.
namespace tapeloop::detail {

/// A text in quotes, with what JSON needs escaped.
std::string json_text(std::string_view text);
/// A number to the last bit; "nan", "inf" or "-inf" where JSON has no number.
std::string json_number(double number);

template <class V>
std::string json_of(const V& value) {
    if constexpr (std::same_as<V, bool>)
        return value ? "true" : "false";
    else if constexpr (std::integral<V>)
        return std::to_string(value);
    else if constexpr (std::floating_point<V>)
        return json_number(value);
    else
        return json_text(value);
}

/// A list of what `write` makes of each element.
template <class List, class Write>
std::string json_list(const List& list, const Write& write) {
    std::string text;
    for (const auto& one : list) text += (text.empty() ? "" : ", ") + write(one);
    return "[" + text + "]";
}
template <class List>
std::string json_list(const List& list) {
    return json_list(list, [](const auto& one) { return json_of(one); });
}

/// An object, member by member.
class JsonObject {
  public:
    template <class V>
    JsonObject& add(std::string_view name, const V& value) {
        return add_json(name, json_of(value));
    }
    /// Adds a text unless it is empty.
    JsonObject& add_if(std::string_view name, std::string_view value) {
        return value.empty() ? *this : add(name, value);
    }
    /// Adds what is JSON already.
    JsonObject& add_json(std::string_view name, const std::string& json) {
        members_ += (members_.empty() ? "" : ", ") + json_text(name) + ": " + json;
        return *this;
    }
    std::string text() const { return "{" + members_ + "}"; }

  private:
    std::string members_;
};

}  // namespace tapeloop::detail
