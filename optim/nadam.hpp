#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `NAdam`.
struct NAdamOptions {
    double learning_rate = 0.002;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
    double momentum_decay = 0.004;
};

/// Adam with Nesterov's momentum (Dozat 2016, "Incorporating Nesterov Momentum into Adam"). With the gradient
/// g of a parameter p at step n = 1, 2, ..., the learning rate r, decay d and momentum_decay c:
///
///     g <- g + d p
///     m <- beta1 m + (1 - beta1) g           v <- beta2 v + (1 - beta2) g²           (both 0 at first)
///     m^ = mu(n + 1) m / (1 - M(n + 1)) + (1 - mu(n)) g / (1 - M(n))
///     p <- p - r m^ / (sqrt(v / (1 - beta2^n)) + epsilon)
///
/// with mu(n) = beta1 (1 - 0.96^(c n) / 2) and M(n) = mu(1) mu(2) ... mu(n). As PyTorch documents it (its
/// version 1.13 has mu(n) twice in M(n + 1)). Keras' c is always 1, its epsilon 1e-7, its rate 0.001 at
/// first, and it decays weights as `AdamW` does.
template <class T>
class NAdam : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a beta that is not below 1.
    explicit NAdam(const ParameterList<T>& parameters, NAdamOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    double momentum(std::uint64_t n) const;
    double momentum_product(std::uint64_t n);

    NAdamOptions options_;
    double product_ = 1;  // M(counted_): follows from the number of steps, and so is not part of the state
    std::uint64_t counted_ = 0;
};

extern template class NAdam<float>;
extern template class NAdam<double>;

}  // namespace tapeloop::optim
