#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `Adadelta`.
struct AdadeltaOptions {
    double learning_rate = 1;
    double rho = 0.9;
    double epsilon = 1e-6;
    double weight_decay = 0;
};

/// Adadelta (Zeiler 2012, arXiv:1212.5701). With the gradient g of a parameter p, the learning rate r (1 in
/// the paper) and decay d:
///
///     g <- g + d p
///     v <- rho v + (1 - rho) g²                          (0 at first, as is a)
///     s = g sqrt(a + epsilon) / sqrt(v + epsilon)
///     a <- rho a + (1 - rho) s²
///     p <- p - r s
///
/// As PyTorch defines it. Keras' defaults are 0.001 for r, 0.95 for rho and 1e-7 for epsilon, and it decays
/// weights as `AdamW` does.
template <class T>
class Adadelta : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a rho above 1.
    explicit Adadelta(const ParameterList<T>& parameters, AdadeltaOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    AdadeltaOptions options_;
};

extern template class Adadelta<float>;
extern template class Adadelta<double>;

}  // namespace tapeloop::optim
