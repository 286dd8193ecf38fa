#pragma once

#include <autograd/check/judge/differences.hpp>

#include <optional>

namespace tapeloop::detail {

/// What the rounding of all values on the way to the results, which may be much larger than those, can make
/// of <cotangent, results> (Linnainmaa 1976, Taylor expansion of the accumulated rounding error).
template <class T>
double rounding_on_the_way(Tape<T>& tape, const std::vector<GradientRoot<T>>& roots, double epsilon);
template <class T>
double rounding_on_the_way(Subject<T>& subject, const std::vector<double>& cotangent, double epsilon);

/// The tape's gradient right beside the inputs. Where it jumps from point to point, at a tie or a kink of
/// several elements, any value among those is one; and where it changes by as much with the last places of
/// the inputs, rounding has made what it is off. So it has where the values on the way are rounded by as
/// much.
template <class T>
class TapeBeside {
  public:
    TapeBeside(Subject<T>& subject, const std::vector<double>& cotangent, std::uint64_t seed)
        : subject_(subject), cotangent_(cotangent), seed_(seed) {}

    /// Changes the verdict of elements of the input k that are wrong, where one of both explains it.
    void excuse(std::size_t k, std::vector<CheckedElement>& elements, const Differences<T>& differences);

  private:
    using Gradients = std::vector<std::vector<double>>;
    void sample(const Differences<T>& differences);
    double rounding(double epsilon);
    std::vector<Gradients> sample(std::size_t count, const std::function<T(T x, double weight)>& moved);

    Subject<T>& subject_;
    const std::vector<double>& cotangent_;
    std::uint64_t seed_;
    std::vector<Gradients> beside_;       ///< within the finest usual step
    std::vector<Gradients> last_places_;  ///< within a few units of the last place
    std::optional<double> rounding_;      ///< on the way
};

extern template class TapeBeside<float>;
extern template class TapeBeside<double>;
extern template double rounding_on_the_way(Tape<float>&, const std::vector<GradientRoot<float>>&, double);
extern template double rounding_on_the_way(Tape<double>&, const std::vector<GradientRoot<double>>&, double);
extern template double rounding_on_the_way(Subject<float>&, const std::vector<double>&, double);
extern template double rounding_on_the_way(Subject<double>&, const std::vector<double>&, double);

}  // namespace tapeloop::detail
