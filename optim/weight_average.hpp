#pragma once

#include <optim/slots.hpp>

#include <cstdint>

namespace tapeloop::optim {

/// The weight of the first steps in the average.
enum class AverageStart {
    first_weights,    ///< the first weights count as if they had always been there
    bias_correction,  ///< the first weights count as any others (Kingma and Ba 2015, section 3)
    warm_up,          ///< a decay of n / (n + 9) while that is smaller, as TensorFlow's with `num_updates`
};

/// Options of a `WeightAverage`.
struct WeightAverageOptions {
    double decay = 0.999;
    AverageStart start = AverageStart::first_weights;
};

/// All that updates change in a `WeightAverage`, and the options of which they are.
template <class T>
struct WeightAverageState {
    /// The average of one parameter.
    struct Entry {
        std::string path;  ///< of the parameter
        Tensor<T> average;
    };
    WeightAverageOptions options;
    std::uint64_t updates = 0;
    std::vector<Entry> entries;
};

/// The exponential moving average of a model's weights (Polyak and Juditsky 1992 average them evenly). With
/// the weights p after step n = 1, 2, ...
///
///     a <- (1 - s) a + s p
///
/// where s is 1 at first, and then 1 - decay; (1 - decay) / (1 - decay^n) with `bias_correction`; and the
/// larger of 1 - decay and 9 / (n + 9) with `warm_up`. As PyTorch's `AveragedModel` with `get_ema_avg_fn`, to
/// which the latter two are additions.
template <class T>
class WeightAverage {
  public:
    /// Throws `std::invalid_argument` when decay is not in [0, 1).
    explicit WeightAverage(const ParameterList<T>& parameters, WeightAverageOptions options = {});
    WeightAverage(const WeightAverage&) = delete;
    WeightAverage& operator=(const WeightAverage&) = delete;

    /// Adds the current weights to the average; call it after each step of the optimizer. Throws, and changes
    /// nothing: `std::logic_error` while an `AveragedWeights` is there or when a parameter is gone,
    /// `std::invalid_argument` when a weight is not finite or a parameter was replaced by one of another
    /// shape.
    void update();

    /// Throws `std::logic_error` before the first update, and `std::invalid_argument` for a parameter that
    /// is not in the list or was replaced by one of another shape.
    const Tensor<T>& operator[](const Parameter<T>& parameter) const;

    /// Returns a copy of all that updates have changed, for `restore`. Throws `std::logic_error` while an
    /// `AveragedWeights` is there, when the parameters do not hold the weights that belong to it.
    WeightAverageState<T> state() const;
    /// Goes on from `state`, with the same options and parameters. Throws `std::invalid_argument`, and
    /// changes nothing, when options, paths or shapes differ, or an average is not finite; and as `update`
    /// does for parameters that were replaced or are gone, and while an `AveragedWeights` is there.
    void restore(const WeightAverageState<T>& state);
    /// Throws what `restore` would throw.
    void require_fits(const WeightAverageState<T>& state) const;

  private:
    template <class>
    friend class AveragedWeights;

    double share() const;
    void require_own_weights(std::string_view call) const;

    WeightAverageOptions options_;
    detail::Slots<T> slots_;
    std::uint64_t updates_ = 0;
    bool swapped_in_ = false;
};

/// While it is there, the parameters hold their averages:
///
///     {
///         const optim::AveragedWeights<float> averaged(average);
///         validate(model);
///     }
///
/// At its end they get the weights back that they had, to the bit, whatever was done to them in between; one
/// that was replaced by one of another shape stays as it is.
template <class T>
class AveragedWeights {
  public:
    /// Throws `std::logic_error`, and changes nothing, when there is no average yet, and when there is
    /// another `AveragedWeights` of it already; and as `WeightAverage::update` for parameters that were
    /// replaced or are gone. The average must outlive it.
    explicit AveragedWeights(WeightAverage<T>& average);
    ~AveragedWeights();
    AveragedWeights(const AveragedWeights&) = delete;
    AveragedWeights& operator=(const AveragedWeights&) = delete;

  private:
    WeightAverage<T>& average_;
    std::vector<Tensor<T>> weights_;
};

extern template class WeightAverage<float>;
extern template class WeightAverage<double>;
extern template class AveragedWeights<float>;
extern template class AveragedWeights<double>;

}  // namespace tapeloop::optim
