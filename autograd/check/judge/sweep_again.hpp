#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/report.hpp>

#include <cmath>
#include <limits>

/// This file looks for rules that remember, draw, or do not use their cotangent: the same recording must give
/// the same gradient again.
namespace tapeloop::detail {

/// What changes with the last places of the inputs is rounding: at so many points its spread is looked at,
/// ...
inline constexpr std::size_t points_of_last_places = 4;
/// ... and so much more may it be elsewhere.
inline constexpr double spread_margin = 8;

/// The number next to x, above it for a positive weight.
template <class T>
T next_number(T x, double weight) {
    return std::nextafter(x, weight > 0 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest());
}

/// Moves all of a subject's inputs while it lives, and puts them back to the last bit.
template <class T>
class MovedInputs {
  public:
    explicit MovedInputs(Subject<T>& subject);
    ~MovedInputs();
    MovedInputs(const MovedInputs&) = delete;
    MovedInputs& operator=(const MovedInputs&) = delete;

    /// Adds to every element of the function's own inputs up to a tenth of its size, 0.15 at most to small
    /// ones.
    void beside(std::uint64_t seed);
    /// Multiplies every element, from where it was.
    void scale(double factor);
    void fill(double value);
    /// Moves every element to the next number, up or down.
    void last_places(std::uint64_t seed);

  private:
    Subject<T>& subject_;
    std::vector<std::vector<T>> before_;
};

/// A finding of sweeps, and the multiple of the cotangent that it takes.
struct SweptFinding {
    Finding finding;
    double multiple = 1;
};

/// Sweeps a recording twice, with multiples of the cotangent, and after an evaluation elsewhere; returns a
/// finding for each input whose gradient is not what it must be.
template <class T>
std::vector<SweptFinding> sweep_again(Subject<T>& subject, std::span<const double> cotangent,
                                      std::uint64_t seed);

/// Each element times a factor.
std::vector<double> multiplied(std::span<const double> cotangent, double factor);

extern template class MovedInputs<float>;
extern template class MovedInputs<double>;
extern template std::vector<SweptFinding> sweep_again(Subject<float>&, std::span<const double>,
                                                      std::uint64_t);
extern template std::vector<SweptFinding> sweep_again(Subject<double>&, std::span<const double>,
                                                      std::uint64_t);

}  // namespace tapeloop::detail
