#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop {

/// Options of `JacobianLens::spectrum`.
struct SpectrumOptions {
    /// A gradient vanishes when over the whole stretch the largest singular value falls below `vanishing`,
    /// and explodes when it rises above `exploding`.
    double vanishing = 1e-3;
    double exploding = 1e3;
    /// The number of steps that the Lyapunov exponents leave out at the start, until the directions have
    /// settled.
    std::size_t warm_up = 0;
    /// True if the products' spectral radii are to be computed, which take several times as long as their
    /// singular values; NaN where not.
    bool product_radii = true;
};

/// The fate of a gradient over the whole stretch, by the thresholds of `SpectrumOptions`.
enum class GradientFlow { vanishing, exploding, neither };
/// Returns the enumerator's name, such as `vanishing`.
std::string_view name_of(GradientFlow flow);

/// The Jacobian of one time step.
struct StepSpectrum {
    std::size_t time_step;
    std::vector<double> singular_values;  ///< largest first
    double spectral_radius;
    double weights;      ///< spectral norm of the weights' part
    double activations;  ///< of the activations' part; of an Elman cell the largest |f'|
    double direct;       ///< of the direct part

    /// Returns the largest factor by which the step can stretch a change of the state, as its parts tell.
    double bound() const { return activations * weights + direct; }
};

/// The Jacobian of the last state by the one `distance` steps before it. Natural logarithms, for the numbers
/// themselves leave the range; -inf stands for 0, and NaN for a singular value that the rounding of the
/// steps' Jacobians hides. The others have their own digits, however far below the largest they are.
struct ProductSpectrum {
    std::size_t distance;
    std::vector<double> log_singular_values;
    double log_spectral_radius;
    /// The bound of the largest one: `JacobianSpectrum::factor` to the power of the distance.
    double log_bound;
};

/// The numbers of a Jacobian lens for one row of the batch.
struct JacobianSpectrum {
    std::size_t row;
    std::vector<StepSpectrum> steps;
    std::vector<ProductSpectrum> products;  ///< by distance, from 1 to all steps
    /// The Lyapunov exponents, largest first, in nats a step: at which rates the steps stretch a set of
    /// orthogonal directions, by a QR decomposition after each (Benettin et al. 1980; Vogt et al. 2022,
    /// arXiv:2006.14123).
    std::vector<double> exponents;
    /// The largest bound of a step. Below 1 the gradient has to vanish: ||d h(t) / d h(k)|| <= factor^(t-k)
    /// (Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, equation 7, where direct is 0).
    double factor;
    GradientFlow flow;

    /// The numbers as a table for a terminal.
    std::string text() const;
    /// A line for each step, with all singular values.
    std::string steps_csv() const;
    /// A line for each distance, with all singular values; decadic logarithms.
    std::string products_csv() const;
};

}  // namespace tapeloop
