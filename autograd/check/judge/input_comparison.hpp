#pragma once

#include <autograd/check/judge/differences.hpp>

#include <chrono>

/// This file compares the gradient by one input with differences.
namespace tapeloop::detail {

/// The time that a check may take.
class Deadline {
  public:
    explicit Deadline(double seconds) : seconds_(seconds) {}
    bool is_over() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count() > seconds_;
    }

  private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    double seconds_;
};

/// So many elements may be computed, by default, to compare inputs element by element: below a second.
inline constexpr double most_computed = 100'000'000;

/// Returns for each input, of these sizes, whether its elements are compared one by one. `evaluated` elements
/// are computed by an evaluation.
std::vector<bool> inputs_by_elements(const std::vector<std::size_t>& sizes, std::size_t evaluated,
                                     const CheckOptions& options);

template <class T>
class InputComparison {
  public:
    InputComparison(Subject<T>& subject, Differences<T>& differences, const CheckOptions& options,
                    const Deadline& deadline, std::uint64_t seed)
        : subject_(subject), differences_(differences), options_(options), deadline_(deadline), seed_(seed) {}

    /// Compares all elements of the gradient by the input `k`, and directions too if the options' mode is
    /// both.
    void compare_each(std::size_t k, const std::vector<double>& gradient, CheckedInput& checked);
    /// Compares along `directions` alone, and elements where one fails.
    void compare_along(std::size_t k, const std::vector<double>& gradient, CheckedInput& checked,
                       std::size_t directions);

    /// The elements of the last input that were compared, in a group or alone.
    std::vector<CheckedElement>& elements() { return elements_; }
    /// Returns whether any comparison of the last input could have shown a mistake.
    bool tells() const { return tells_; }
    /// Returns whether each element of the last input was compared, but for those that are held at kinks.
    bool has_seen_all() const;
    /// Returns whether time ran out before all were compared that should be.
    bool is_cut_short() const { return is_cut_short_; }

  private:
    void start(std::size_t k, const std::vector<double>& gradient);
    bool directions_agree(CheckedInput& checked, std::size_t directions);
    void find_wrong_elements(CheckedInput& checked);
    void compare_elements(const std::vector<std::size_t>& chosen);
    void confirm();
    void bisect(std::size_t begin, std::size_t end, bool is_wrong);
    bool agrees_in(std::size_t begin, std::size_t end);
    void clear(std::size_t begin, std::size_t end);
    void compare_alone(std::size_t index);
    bool hold_kinks();
    std::vector<double> direction(std::uint64_t seed) const;

    Subject<T>& subject_;
    Differences<T>& differences_;
    const CheckOptions& options_;
    const Deadline& deadline_;
    std::uint64_t seed_;
    std::size_t input_ = 0;
    const std::vector<double>* gradient_ = nullptr;
    std::vector<CheckedElement> elements_;
    std::vector<bool> held_;  ///< at kinks, by element; empty without any
    std::size_t alone_ = 0;   ///< elements compared alone while halving
    std::size_t confirmed_ = 0;
    bool tells_ = false;
    bool is_cut_short_ = false;
};

extern template class InputComparison<float>;
extern template class InputComparison<double>;

/// Returns the element's deviation in multiples of its tolerance.
double excess_of(const CheckedElement& element);

}  // namespace tapeloop::detail
