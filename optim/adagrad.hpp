#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `Adagrad`.
struct AdagradOptions {
    double learning_rate = 0.01;
    double learning_rate_decay = 0;
    double weight_decay = 0;
    double initial_accumulator = 0;
    double epsilon = 1e-10;
};

/// Adagrad (Duchi, Hazan and Singer 2011, JMLR 12). With the gradient g of a parameter p at step n = 1, 2,
/// ..., the learning rate r, its decay c and the weights' decay d:
///
///     g <- g + d p
///     a <- a + g²                                  (`initial_accumulator` at first)
///     p <- p - r / (1 + (n - 1) c) g / (sqrt(a) + epsilon)
///
/// As PyTorch defines it. Keras adds its epsilon (1e-7) under the root, starts a at 0.1 and the rate at
/// 0.001, and decays weights as `AdamW` does.
template <class T>
class Adagrad : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option.
    explicit Adagrad(const ParameterList<T>& parameters, AdagradOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    AdagradOptions options_;
};

extern template class Adagrad<float>;
extern template class Adagrad<double>;

}  // namespace tapeloop::optim
