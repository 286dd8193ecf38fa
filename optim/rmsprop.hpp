#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `RmsProp`.
struct RmsPropOptions {
    double learning_rate = 0.01;
    double alpha = 0.99;
    double epsilon = 1e-8;
    double weight_decay = 0;
    double momentum = 0;
    bool centered = false;
};

/// RMSProp (Tieleman and Hinton 2012, lecture 6.5 of "Neural Networks for Machine Learning"). With the
/// gradient g of a parameter p, the learning rate r, momentum mu and decay d:
///
///     g <- g + d p
///     v <- alpha v + (1 - alpha) g²              (0 at first, as are m and b)
///     b <- mu b + g / (sqrt(v) + epsilon)        without momentum b is only the quotient
///     p <- p - r b
///
/// `centered` (Graves 2013, arXiv:1308.0850, equations 38 to 41) puts the variance v - m² in v's place under
/// the root, with m <- alpha m + (1 - alpha) g; where it is below 0 by rounding, it is taken as 0. As PyTorch
/// defines it, which gives NaN there. Keras adds its epsilon (1e-7) under the root, keeps the learning rate
/// inside b, decays weights as `AdamW` does, and has other defaults (0.001 and an alpha of 0.9).
template <class T>
class RmsProp : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, an alpha that is not below 1, and a momentum
    /// above 1.
    explicit RmsProp(const ParameterList<T>& parameters, RmsPropOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    RmsPropOptions options_;
};

extern template class RmsProp<float>;
extern template class RmsProp<double>;

}  // namespace tapeloop::optim
