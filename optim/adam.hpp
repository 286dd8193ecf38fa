#pragma once

#include <optim/slots.hpp>

namespace tapeloop::optim {

struct AdamOptions {
    double learning_rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
};

/// Adam (Kingma and Ba 2015, arXiv:1412.6980). With the gradient g of a parameter p at step n = 1, 2, ...,
/// the learning rate r and decay d:
///
///     g <- g + d p
///     m <- beta1 m + (1 - beta1) g           v <- beta2 v + (1 - beta2) g²           (both 0 at first)
///     p <- p - r m^ / (sqrt(v^) + epsilon)   with m^ = m / (1 - beta1^n), v^ = v / (1 - beta2^n)
///
/// As PyTorch defines it. Keras adds its epsilon (1e-7) to sqrt(v), before the correction of v.
template <class T>
class Adam {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a beta that is not below 1.
    explicit Adam(const ParameterList<T>& parameters, AdamOptions options = {});

    /// Updates every parameter. Throws `std::invalid_argument`, and changes nothing, when a gradient is
    /// missing or not finite.
    void step(const Gradients<T>& gradients);

    double learning_rate() const { return options_.learning_rate; }
    void set_learning_rate(double rate);

  private:
    AdamOptions options_;
    Slots<T> slots_;
    double beta1_power_ = 1;
    double beta2_power_ = 1;
};

extern template class Adam<float>;
extern template class Adam<double>;

}  // namespace tapeloop::optim
