#pragma once

#include <autograd/check/judge/differences.hpp>
#include <autograd/check/locate/evidence.hpp>
#include <autograd/check/locate/locate_recorded_rule.hpp>

/// This file explains in which way the gradient by an input is wrong, and which rule it is.
namespace tapeloop::detail {

/// An input whose gradient is wrong, and its elements that were compared.
struct Suspect {
    std::size_t input;
    std::vector<CheckedElement> elements;
};

template <class T>
class SuspectExplainer {
  public:
    /// `gradients` are the tape's, by input, at the subject's point.
    SuspectExplainer(Subject<T>& subject, Differences<T>& differences, const CheckOptions& options,
                     const std::vector<std::vector<double>>& gradients, const std::vector<Suspect>& suspects)
        : subject_(subject),
          differences_(differences),
          options_(options),
          gradients_(gradients),
          suspects_(suspects) {}

    Finding explained(const Suspect& suspect);
    /// Returns the rule that is wrong when it is differentiated itself, of a subject of order 2.
    const std::optional<LocatedRule>& recorded_rule();

  private:
    Evidence evidence_of(const Suspect& suspect);
    void add_others(Evidence& evidence, const Suspect& suspect) const;
    void add_jacobian(Evidence& evidence, std::size_t k);
    std::vector<Evidence::Extent> extents() const;
    InputInfo info_of_result(const Shape& shape) const;

    Subject<T>& subject_;
    Differences<T>& differences_;
    const CheckOptions& options_;
    const std::vector<std::vector<double>>& gradients_;
    const std::vector<Suspect>& suspects_;
    std::optional<std::optional<LocatedRule>> recorded_rule_;  ///< once it was looked for
};

extern template class SuspectExplainer<float>;
extern template class SuspectExplainer<double>;

}  // namespace tapeloop::detail
