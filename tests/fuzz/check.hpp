#pragma once

#include <tests/fuzz/program.hpp>

#include <map>
#include <string>

namespace tapeloop::fuzz {

/// What was checked, and what could not be, in how many cases.
class Counts {
  public:
    void add(const std::string& what, std::size_t more = 1) { counts_[what] += more; }
    std::size_t operator[](const std::string& what) const {
        const auto found = counts_.find(what);
        return found == counts_.end() ? 0 : found->second;
    }
    std::string text() const;

  private:
    std::map<std::string, std::size_t> counts_;
};

/// Checks all that must hold of every program. Throws a `Finding` that says what does not.
void check_program(const Program& program, Counts& counts);

// Its parts.

/// The same values and gradients, to the last bit, run again and under a watch; within rounding when `map` is
/// not fused.
void check_repetition(const Program& program, Counts& counts);
/// Each line alone: its value against plain loops, and `float` against `double` at the same arguments, in
/// values and gradients. Beside a step `float` may be on the other side.
void check_lines(const Program& program, Counts& counts);
/// An element of an elementwise operation, and its gradient, has the same bits wherever it stands.
void check_positions(const Program& program, Counts& counts);
/// `gradient_graph` against `gradient`.
void check_recorded(const Program& program, Counts& counts);
/// The gradient against differences along a random direction, and that of a projection of it; beside the
/// program's own leaves if these may lie on kinks.
void check_derivatives(const Program& program, Counts& counts);

/// The derivative of f by a factor of the way along a direction, as far as differences can tell.
struct Slope {
    enum class Kind { found, not_finite, kink, rough };
    Kind kind = Kind::found;
    double value = 0;
    double error = 0;
};
/// `scale` is what f's derivative is made of: the sum of its terms' sizes.
Slope slope_at_zero(const std::function<double(double)>& f, double scale);

}  // namespace tapeloop::fuzz
