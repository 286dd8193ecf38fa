#pragma once

#include <autograd/parameter.hpp>
#include <autograd/var.hpp>

#include <array>
#include <numbers>

namespace tapeloop::nn {

class Generator;

/// Options of a linear recurrent unit: where its coefficients lie at the start. The paper calls them r_min,
/// r_max and max_phase.
struct LruOptions {
    /// The absolute values are between these, 0 and 1 at most; near 1 they keep what was read for long.
    double smallest_radius = 0;
    double largest_radius = 1;
    /// The phases are between 0 and this.
    double largest_phase = 2 * std::numbers::pi;
};

/// The linear recurrent unit (Orvieto et al. 2023, arXiv:2303.06349, section 3 and appendix A): N complex
/// numbers that turn and shrink, each at its own constant rate, and never see each other, so that all time
/// steps are computed at once:
///
///     lambda = exp(-exp(nu_log) + i exp(theta_log))
///     h' = lambda h + exp(gamma_log) (x B)
///     y = Re(h' C) + D x
///
/// x is [B, I], and so is the output y. The state h is [B, 2N], the real parts and then the imaginary ones; B
/// and C are complex matrices that lie in the same way. The absolute value of lambda is below 1 whatever is
/// learned, and gamma, which starts as sqrt(1 - |lambda|²), keeps the states as large as the inputs. The
/// normalisation, the gate and the residual connection around it that make an LRU block are not in the cell.
template <class T>
struct LruCell {
    Parameter<T> nu_log;     ///< log(-log |lambda|), [N]
    Parameter<T> theta_log;  ///< the logarithm of the phase of lambda, [N]
    Parameter<T> gamma_log;  ///< the logarithm of what scales the inputs, [N]
    Parameter<T> B;  ///< input to state, [I, 2N]: the real parts, and at their side the imaginary ones
    Parameter<T> C;  ///< state to output, [2N, I]: the real parts, and below them the imaginary ones
    Parameter<T> D;  ///< what of the input goes around the states, [I]

    /// As the paper's: lambda is drawn evenly from the ring that the options say (lemma 3.2); the elements of
    /// B, C and D are normal, those of both parts of B with variance 1 / (2 I), those of C with 1 / N, and
    /// those of D with 1. Throws `std::invalid_argument` when a size is 0, the radii are not in order
    /// between 0 and 1, both are 0 or both 1, or the phase is not positive and finite.
    LruCell(std::size_t input_size, std::size_t state_size, Generator& generator, LruOptions options = {});

    Var<T> initial_state(std::size_t batch) const;

    /// Returns Re lambda and Im lambda, [N]; gamma B [I, 2N]; and C [2N, I] with the sign that the imaginary
    /// parts have in Re(h C).
    std::array<Var<T>, 4> prepare() const;

    /// Returns gamma (x B) [.., 2N] and D x, of x [.., I].
    std::pair<Var<T>, Var<T>> project(const Var<T>& x, const std::array<Var<T>, 4>& prepared) const;

    /// Returns Re lambda and Im lambda, [.., N], and gamma (x B), [.., 2N].
    std::array<Var<T>, 3> coefficients(const std::pair<Var<T>, Var<T>>& u,
                                       const std::array<Var<T>, 4>& prepared) const;

    /// Returns y [.., I] of h [.., 2N].
    Var<T> output(const std::pair<Var<T>, Var<T>>& u, const Var<T>& h,
                  const std::array<Var<T>, 4>& prepared) const;

    ParameterList<T> parameters() { return parameter_list(nu_log, theta_log, gamma_log, B, C, D); }
};

extern template struct LruCell<float>;
extern template struct LruCell<double>;

}  // namespace tapeloop::nn
