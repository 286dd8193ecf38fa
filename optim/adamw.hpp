#pragma once

#include <optim/adam.hpp>

namespace tapeloop::optim {

/// Options of `AdamW`.
struct AdamWOptions {
    double learning_rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;
    bool amsgrad = false;
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101): with the learning rate r
/// and decay d
///
///     p <- p - r d p
///
/// before the step that `Adam` makes without decay. As PyTorch defines it. Keras' decay is 0.004 by default,
/// and its epsilon that of its Adam.
template <class T>
class AdamW : public Adam<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a beta that is not below 1.
    explicit AdamW(const ParameterList<T>& parameters, AdamWOptions options = {});
};

extern template class AdamW<float>;
extern template class AdamW<double>;

}  // namespace tapeloop::optim
