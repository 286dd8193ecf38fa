#pragma once

#include <autograd/check/report.hpp>

#include <functional>

/// This file judges a slope by its differences of several steps.
namespace tapeloop::detail {

/// How much of the results' rounding is allowed for.
inline constexpr double rounding_units = 8;

/// The options with their defaults filled in.
struct Tolerances {
    double relative;
    double absolute;
    double step;
    double epsilon;

    template <class T>
    static Tolerances of(const CheckOptions& options);
};

/// Judges the tape's value of a slope, by one element or along a direction.
class SlopeJudge {
  public:
    /// `rounding` over a step is the largest change of a difference by rounding of the results.
    SlopeJudge(const Tolerances& tolerances, double rounding)
        : tolerances_(tolerances), rounding_(rounding) {}

    double rounding(double step) const { return rounding_ / step; }
    /// Sets `tolerance`, `rule`, `difference` and, if the values agree, the verdict.
    void weigh(CheckedElement& checked) const;

    using Differentiate = std::function<CheckedElement::Trial(double step)>;
    /// Takes differences of other steps than the usual one, none below `finest`, and judges by all of them.
    void settle(CheckedElement& checked, double usual, double finest,
                const Differentiate& differentiate) const;

  private:
    static void take_sweep(CheckedElement& checked, double usual, const Differentiate& differentiate);
    bool goes_finer(const CheckedElement& checked, double finest) const;
    bool is_contradicted(const CheckedElement& checked, std::size_t j, double change) const;
    double choose_step(CheckedElement& checked, bool without_zeros) const;
    bool is_rounded_away(CheckedElement& checked) const;
    bool finer_agree(const CheckedElement& checked) const;
    static bool is_among_differences(const CheckedElement& checked);
    double settle_by_size(CheckedElement& checked, double finest, const Differentiate& differentiate) const;
    bool is_settled(const CheckedElement& checked, double uncertainty) const;
    static bool wider_agree(const CheckedElement& checked);
    bool finer_contradict(const CheckedElement& checked) const;
    bool is_kink(const CheckedElement& checked, double usual) const;
    bool is_kink_between(const CheckedElement& checked, const CheckedElement::Trial& wide,
                         const CheckedElement::Trial& narrow) const;

    Tolerances tolerances_;
    double rounding_;
};

}  // namespace tapeloop::detail
