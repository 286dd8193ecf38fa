#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `Sgd`.
struct SgdOptions {
    double learning_rate = 0.01;
    double momentum = 0;
    double dampening = 0;
    bool nesterov = false;
    double weight_decay = 0;
};

/// Stochastic gradient descent. With the gradient g of a parameter p, the learning rate r, momentum m,
/// dampening q and decay d:
///
///     g <- g + d p
///     v <- m v + (1 - q) g            (Polyak 1964; at the first step v <- g)
///     p <- p - r v                    with `nesterov`: p - r (g + m v)   (Sutskever et al. 2013)
///
/// As PyTorch defines it. Keras puts the learning rate inside v, which differs once the rate changes, and has
/// no dampening.
template <class T>
class Sgd : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, a momentum or dampening above 1, and Nesterov
    /// without momentum or with dampening.
    explicit Sgd(const ParameterList<T>& parameters, SgdOptions options = {});

    void step(const Gradients<T>& gradients) override;

  private:
    SgdOptions options_;
};

extern template class Sgd<float>;
extern template class Sgd<double>;

}  // namespace tapeloop::optim
