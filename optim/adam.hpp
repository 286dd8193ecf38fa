#pragma once

#include <optim/optimizer.hpp>

namespace tapeloop::optim {

/// Options of `Adam`.
struct AdamOptions {
    double learning_rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
    bool amsgrad = false;
};

/// Adam (Kingma and Ba 2015, arXiv:1412.6980). With the gradient g of a parameter p at step n = 1, 2, ...,
/// the learning rate r and decay d:
///
///     g <- g + d p
///     m <- beta1 m + (1 - beta1) g           v <- beta2 v + (1 - beta2) g²           (both 0 at first)
///     p <- p - r m^ / (sqrt(v^) + epsilon)   with m^ = m / (1 - beta1^n), v^ = v / (1 - beta2^n)
///
/// With `amsgrad` (Reddi, Kale and Kumar 2018, arXiv:1904.09237) v^ is made from w <- max(w, v) instead of v.
/// As PyTorch defines it. Keras adds its epsilon (1e-7) to sqrt(v), before the correction of v, and decays
/// weights as `AdamW` does.
template <class T>
class Adam : public Optimizer<T> {
  public:
    /// Throws `std::invalid_argument` for a negative option, or a beta that is not below 1.
    explicit Adam(const ParameterList<T>& parameters, AdamOptions options = {});

    void step(const Gradients<T>& gradients) override;

  protected:
    /// The way in which weights decay.
    enum class Decay {
        through_gradient,  ///< g <- g + d p
        decoupled,         ///< p <- p - r d p
    };
    /// Makes an Adam for a class derived of it, whose name error texts say.
    Adam(std::string_view name, const ParameterList<T>& parameters, const AdamOptions& options, Decay decay);

  private:
    AdamOptions options_;
    Decay decay_;
};

extern template class Adam<float>;
extern template class Adam<double>;

}  // namespace tapeloop::optim
