#include <tests/fuzz/check.hpp>

#include <fmt/format.h>

namespace tapeloop::fuzz {

std::string Counts::text() const {
    std::string text;
    for (const auto& [what, count] : counts_) text += fmt::format("{:>10}  {}\n", count, what);
    return text;
}

void check_program(const Program& program, Counts& counts) {
    counts.add("programs");
    counts.add("arguments refused", program.refusals.size());
    check_repetition(program, counts);
    check_lines(program, counts);
    check_positions(program, counts);
    check_recorded(program, counts);
    check_derivatives(program, counts);
}

}  // namespace tapeloop::fuzz
