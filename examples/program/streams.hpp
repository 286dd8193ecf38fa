#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

/// This file has what a program that works for minutes needs around its work: standard streams, files,
/// numbers, Ctrl-C.
namespace program {

/// Prepares the standard streams; call it before anything else. Stands in for a standard error that is
/// closed, so that no file that is opened later takes its place, and lets a write beyond a limit fail instead
/// of ending the program. Throws `std::runtime_error` when standard output is closed: the results would be
/// lost.
void prepare_streams();

/// Writes to standard output, at once. Where that fails the work goes on, and `require_printed` tells of it.
void print(std::string_view text) noexcept;
template <class... Values>
void print(fmt::format_string<Values...> format, Values&&... values) {
    print(std::string_view(fmt::format(format, std::forward<Values>(values)...)));
}

/// Throws `std::runtime_error` when something that was printed did not arrive.
void require_printed();

/// Writes to standard error, a line that begins with the program's name. Nothing can be done where that
/// fails.
void complain(std::string_view program, std::string_view text) noexcept;

}  // namespace program
