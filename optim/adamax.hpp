#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `Adamax`.
struct AdamaxOptions {
    double learning_rate = 0.002;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
};

/// Adamax, Adam with the largest gradient in place of the root of the mean square (Kingma and Ba 2015,
/// arXiv:1412.6980, section 7.1). With the gradient g of a parameter p at step n = 1, 2, ..., the learning
/// rate r and decay d:
///
///     g <- g + d p
///     m <- beta1 m + (1 - beta1) g          u <- max(beta2 u, |g| + epsilon)          (both 0 at first)
///     p <- p - r / (1 - beta1^n) m / u
///
/// As PyTorch defines it. Keras adds its epsilon (1e-7) to u in the quotient only, starts the rate at 0.001,
/// and decays weights as `AdamW` does.
template <class T>
class Adamax : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a beta that is not below 1.
    explicit Adamax(const ParameterList<T>& parameters, AdamaxOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    AdamaxOptions options_;
};

extern template class Adamax<float>;
extern template class Adamax<double>;

}  // namespace tapeloop::optim
