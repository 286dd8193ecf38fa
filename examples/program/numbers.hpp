#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

namespace program {

/// The whole of `text` as a decimal number. Nothing for all else: other bases, a sign, spaces, what the type
/// cannot hold.
template <class Number>
std::optional<Number> number_in(const std::string& text) {
    Number number{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

/// An option that takes a number from `least` to `most`; of fractions the least itself is left out. CLI11's
/// own conversion would take 010 for 8.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& flag, Number& value, const std::string& help,
                        Number least, Number most) {
    const auto read = [&value, flag, least, most](const CLI::results_t& texts) {
        constexpr bool fraction = std::is_floating_point_v<Number>;
        const auto number = number_in<Number>(texts.back());
        if (!number || !(fraction ? *number > least : *number >= least) || !(*number <= most))
            throw CLI::ValidationError(
                flag,
                fmt::format("takes a {} {} {} {}, not '{}'", fraction ? "number above" : "whole number from",
                            least, fraction ? "and up to" : "to", most, texts.back()));
        value = *number;
        return true;
    };
    return app.add_option(flag, read, help)->type_name("NUMBER")->default_str(fmt::format("{}", value));
}

}  // namespace program
