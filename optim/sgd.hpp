#pragma once

#include <optim/slots.hpp>

namespace tapeloop::optim {

struct SgdOptions {
    double learning_rate = 0.01;
    double momentum = 0;
    bool nesterov = false;
    double weight_decay = 0;
};

/// Stochastic gradient descent. With the gradient g of a parameter p, the learning rate r, momentum m and
/// decay d:
///
///     g <- g + d p
///     v <- m v + g                    (Polyak 1964; v is 0 at first)
///     p <- p - r v                    with `nesterov`: p - r (g + m v)   (Sutskever et al. 2013)
///
/// As PyTorch defines it. Keras puts the learning rate inside v, which differs once the rate changes.
template <class T>
class Sgd {
  public:
    /// Throws `std::invalid_argument` for a negative option, a momentum above 1, and Nesterov without
    /// momentum.
    explicit Sgd(const ParameterList<T>& parameters, SgdOptions options = {});

    /// Updates every parameter. Throws `std::invalid_argument`, and changes nothing, when a gradient is
    /// missing or not finite.
    void step(const Gradients<T>& gradients);

    double learning_rate() const { return options_.learning_rate; }
    void set_learning_rate(double rate);

  private:
    SgdOptions options_;
    Slots<T> slots_;
};

extern template class Sgd<float>;
extern template class Sgd<double>;

}  // namespace tapeloop::optim
