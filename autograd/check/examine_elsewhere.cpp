#include <fmt/format.h>
#include <autograd/check/examine_elsewhere.hpp>
#include <autograd/check/judge/input_comparison.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/same_again.hpp>
#include <autograd/check/judge/sweep_again.hpp>
#include <autograd/check/judge/tape_beside.hpp>
#include <autograd/check/locate/explain_suspect.hpp>

#include <algorithm>
#include <cmath>
#include <exception>

namespace tapeloop::detail {
namespace {

bool are_finite(const std::vector<double>& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return std::isfinite(element); });
}

/// The gradient at one other point.
template <class T>
class ExaminationElsewhere {
  public:
    ExaminationElsewhere(GradientReport& report, Subject<T>& subject, const CheckOptions& options,
                         const Deadline& deadline)
        : report_(report), subject_(subject), options_(options), deadline_(deadline) {}

    /// Returns whether nothing is wrong where the inputs are now; `where` says where that is.
    bool run(const std::string& where) {
        std::vector<double> center;
        subject_.evaluate(center);
        if (center.size() != report_.result_elements || !are_finite(center)) return true;
        const std::vector<double> cotangent = random_weights(center.size(), report_.seed + 0x2545f491);
        auto differentiated = subject_.differentiate(cotangent);
        gradients_ = std::move(differentiated.gradients);
        if (!std::all_of(gradients_.begin(), gradients_.end(), are_finite)) return true;
        Differences<T> differences(subject_, cotangent, center, options_);
        for (std::size_t k = 0; k < subject_.size(); ++k) compare(differences, k);
        if (suspects_.empty()) return true;
        auto changed = changed_again(subject_, center, options_.nondeterminism,
                                     affordable_calls(calls_of_wrong, differentiated.computed),
                                     "before and after others");
        if (changed.has_value()) {
            report_.findings.insert(report_.findings.begin(), std::move(*changed));
            return false;
        }
        SuspectExplainer<T> explainer(subject_, differences, options_, gradients_, suspects_);
        for (const Suspect& suspect : suspects_) {
            Finding finding = options_.diagnose
                                  ? explainer.explained(suspect)
                                  : Finding{Diagnosis::unexplained, 1, subject_.input(suspect.input).name,
                                            "the gradient is wrong; in which way was not asked for"};
            finding.text = fmt::format("{}, though right at them: {}", where, finding.text);
            report_.findings.push_back(std::move(finding));
        }
        return false;
    }

  private:
    void compare(Differences<T>& differences, std::size_t k) {
        CheckedInput checked;
        InputComparison<T> comparison(subject_, differences, options_, deadline_, report_.seed + 7);
        comparison.compare_along(k, gradients_[k], checked, 1);
        // A direction alone is no proof: what is wrong must be wrong by an element.
        std::vector<CheckedElement>& elements = comparison.elements();
        TapeBeside<T>(subject_, differences.cotangent(), report_.seed + 7).excuse(k, elements, differences);
        if (std::any_of(elements.begin(), elements.end(),
                        [](const auto& one) { return one.verdict == Verdict::wrong; }))
            suspects_.push_back({k, std::move(elements)});
    }

    GradientReport& report_;
    Subject<T>& subject_;
    const CheckOptions& options_;
    const Deadline& deadline_;
    std::vector<std::vector<double>> gradients_;
    std::vector<Suspect> suspects_;
};

}  // namespace

template <class T>
void examine_elsewhere(GradientReport& report, Subject<T>& subject, const CheckOptions& options) {
    if (report.result_elements == 0) return;
    const Deadline deadline(options.seconds);
    const auto is_right = [&](const auto& move, const std::string& where) {
        MovedInputs<T> moved(subject);
        move(moved);
        try {
            return ExaminationElsewhere<T>(report, subject, options, deadline).run(where);
        } catch (const std::exception&) {
            return true;  // not defined there
        }
    };
    if (!is_right([&](MovedInputs<T>& moved) { moved.beside(report.seed); }, "beside the inputs")) return;
    for (double factor : options.scales)
        if (!is_right([&](MovedInputs<T>& moved) { moved.scale(factor); },
                      fmt::format("at {} times the inputs", factor)))
            return;
    for (double value : options.stock_values)
        if (!is_right([&](MovedInputs<T>& moved) { moved.fill(value); },
                      fmt::format("with all inputs {}", value)))
            return;
}

template void examine_elsewhere(GradientReport&, Subject<float>&, const CheckOptions&);
template void examine_elsewhere(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
