#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `Lion`.
struct LionOptions {
    double learning_rate = 0.0001;
    double beta1 = 0.9;
    double beta2 = 0.99;
    double weight_decay = 0;
};

/// Lion (Chen et al. 2023, arXiv:2302.06675, algorithm 2). With the gradient g of a parameter p, the learning
/// rate r and decay d:
///
///     c = beta1 m + (1 - beta1) g                (m is 0 at first)
///     p <- p - r (sign(c) + d p)
///     m <- beta2 m + (1 - beta2) g
///
/// with sign(0) = 0. PyTorch has none; rate and betas are the paper's. Keras' rate is 0.001 at first.
template <class T>
class Lion : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a beta that is not below 1.
    explicit Lion(const ParameterList<T>& parameters, LionOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    LionOptions options_;
};

extern template class Lion<float>;
extern template class Lion<double>;

}  // namespace tapeloop::optim
