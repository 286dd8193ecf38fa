#pragma once

#include <cstdint>

/// This file looks whether this processor has the instructions that the library was compiled for, before
/// anything else of the program runs: one that lacks them says so in a line on stderr and exits with 1,
/// instead of dying of an illegal instruction.
namespace tapeloop::detail {

/// The instruction sets that the compiler was allowed to use, a bit for each in the order of processor.cpp.
extern const std::uint32_t needed_instructions;

/// Referred to by what every program links, so that the look is part of it.
extern const int processor_is_checked;

}  // namespace tapeloop::detail
