#pragma once

#include <autograd/tensor.hpp>

#include <vector>

namespace tapeloop::detail {

/// The singular values of a product of square matrices that grows at its right, J1 J2 .. Jd, each to its own
/// digits however far they lie apart: a product that is multiplied out has those of the largest alone. The
/// product's transpose is kept as Q D U, with orthonormal columns in Q, orthonormal rows in U and logarithms
/// for D. A factor takes one QR decomposition, as for the exponents, and a few sweeps of rotations between
/// rows (Hestenes 1958) on rows that have their scales beside them.
class ProductValues {
  public:
    /// Begins with the identity [S, S]. `epsilon` is the relative error of the factors' elements.
    ProductValues(std::size_t S, double epsilon);

    /// Multiplies by one more factor, [S, S].
    void multiply(const Tensor<double>& factor);
    /// Returns the natural logarithms, largest first: -inf for 0, NaN for what errors of the factors hide.
    std::vector<double> logarithms() const;

  private:
    /// One singular value with its vectors.
    struct Row {
        double logarithm = 0;
        double error = 0;       ///< relative, as far as the factors' errors make it
        std::vector<double> u;  ///< of U
        std::vector<double> q;  ///< of Q
    };
    void orthogonalise();
    bool rotate(Row& larger, Row& smaller) const;
    static void normalise(Row& row);

    double epsilon_;
    std::vector<Row> rows_;
};

}  // namespace tapeloop::detail
