// What the study of Jacobians has of LAPACK, which is not there in a page, by textbook methods for matrices
// of a few dozen rows: Jacobi rotations of one side, Householder reflections, and the QR iteration (Golub and
// Van Loan, Matrix Computations, 4th edition, sections 5.2, 7.5 and 8.6).
#include <autograd/kernels/products/gemm.hpp>
#include <autograd/study/jacobian/decompositions.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <stdexcept>

namespace tapeloop::detail {

namespace {

using Complex = std::complex<double>;
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr int most_sweeps = 100;

std::size_t rows_of(const Tensor<double>& matrix) { return matrix.shape(0); }

void require_finite(const Tensor<double>& matrix) {
    if (matrix.size() == 0 ||
        !std::all_of(matrix.begin(), matrix.end(), [](double x) { return std::isfinite(x); }))
        throw std::runtime_error("decomposition: the matrix must be finite and not empty");
}

/// Columns that are turned against each other in pairs until all are orthogonal.
class JacobiColumns {
  public:
    explicit JacobiColumns(const Tensor<double>& matrix) {
        const std::size_t n = rows_of(matrix);
        const std::size_t m = matrix.shape(1);
        const bool is_tall = n >= m;
        columns_.assign(std::min(n, m), std::vector<double>(std::max(n, m)));
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t k = 0; k < m; ++k)
                (is_tall ? columns_[k][i] : columns_[i][k]) = matrix.data()[i * m + k];
    }

    std::vector<double> norms() {
        for (int sweep = 0; sweep < most_sweeps && turn_all(); ++sweep) continue;
        std::vector<double> list;
        for (const std::vector<double>& column : columns_) list.push_back(length(column));
        std::sort(list.rbegin(), list.rend());
        return list;
    }

  private:
    static double inner(const std::vector<double>& a, const std::vector<double>& b) {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
        return sum;
    }
    static double length(const std::vector<double>& a) {
        double scale = 0;
        for (const double one : a) scale = std::max(scale, std::abs(one));
        if (scale == 0) return 0;
        double sum = 0;
        for (const double one : a) sum += one / scale * (one / scale);
        return scale * std::sqrt(sum);
    }
    bool turn_all() {
        bool turned = false;
        for (std::size_t p = 0; p + 1 < columns_.size(); ++p)
            for (std::size_t q = p + 1; q < columns_.size(); ++q)
                turned = turn(columns_[p], columns_[q]) || turned;
        return turned;
    }
    static bool turn(std::vector<double>& a, std::vector<double>& b) {
        const double alpha = inner(a, a);
        const double beta = inner(b, b);
        const double gamma = inner(a, b);
        if (std::abs(gamma) <= epsilon * std::sqrt(alpha * beta)) return false;
        const double zeta = (beta - alpha) / (2 * gamma);
        const double t = std::copysign(1 / (std::abs(zeta) + std::hypot(1.0, zeta)), zeta);
        const double c = 1 / std::hypot(1.0, t);
        for (std::size_t i = 0; i < a.size(); ++i) {
            const double before = a[i];
            a[i] = c * (before - t * b[i]);
            b[i] = c * (b[i] + t * before);
        }
        return true;
    }

    std::vector<std::vector<double>> columns_;
};

/// The QR iteration on a complex Hessenberg matrix, an eigenvalue after the other.
class Eigenvalues {
  public:
    explicit Eigenvalues(const Tensor<double>& matrix)
        : n_(rows_of(matrix)), h_(matrix.begin(), matrix.end()) {
        reduce();
    }

    std::vector<Complex> list() {
        std::vector<Complex> values;
        int steps = 0;
        for (std::size_t end = n_; end > 0;) {
            const std::size_t begin = block_before(end);
            if (begin + 1 == end) {
                values.push_back(at(end - 1, end - 1));
                --end;
                steps = 0;
                continue;
            }
            if (++steps > most_sweeps) throw std::runtime_error("decomposition: eigenvalues do not converge");
            step(begin, end,
                 steps % 11 == 10 ? Complex(std::abs(at(end - 1, end - 2))) + at(end - 1, end - 1)
                                  : shift(end));
        }
        return values;
    }

  private:
    Complex& at(std::size_t i, std::size_t k) { return h_[i * n_ + k]; }

    /// To zeros below the first diagonal under the main one.
    void reduce() {
        for (std::size_t k = 0; k + 2 < n_; ++k) {
            std::vector<Complex> v(n_);
            double norm = 0;
            for (std::size_t i = k + 1; i < n_; ++i) norm = std::hypot(norm, std::abs(v[i] = at(i, k)));
            if (norm == 0) continue;
            const Complex direction = v[k + 1] == 0.0 ? Complex(1) : v[k + 1] / std::abs(v[k + 1]);
            v[k + 1] += direction * norm;
            double squares = 0;
            for (std::size_t i = k + 1; i < n_; ++i) squares += std::norm(v[i]);
            if (squares == 0) continue;
            for (std::size_t c = 0; c < n_; ++c) {
                Complex sum = 0;
                for (std::size_t i = k + 1; i < n_; ++i) sum += std::conj(v[i]) * at(i, c);
                for (std::size_t i = k + 1; i < n_; ++i) at(i, c) -= 2 / squares * sum * v[i];
            }
            for (std::size_t r = 0; r < n_; ++r) {
                Complex sum = 0;
                for (std::size_t i = k + 1; i < n_; ++i) sum += at(r, i) * v[i];
                for (std::size_t i = k + 1; i < n_; ++i) at(r, i) -= 2 / squares * sum * std::conj(v[i]);
            }
        }
    }

    /// The start of the block that ends there and has no zero under its diagonal.
    std::size_t block_before(std::size_t end) {
        std::size_t begin = end - 1;
        for (; begin > 0; --begin) {
            double size = std::abs(at(begin, begin)) + std::abs(at(begin - 1, begin - 1));
            if (size == 0) size = std::numeric_limits<double>::min();
            if (std::abs(at(begin, begin - 1)) <= epsilon * size) {
                at(begin, begin - 1) = 0;
                break;
            }
        }
        return begin;
    }

    /// Wilkinson's: the eigenvalue of the last two rows that is nearer to the last element.
    Complex shift(std::size_t end) {
        const Complex a = at(end - 2, end - 2);
        const Complex d = at(end - 1, end - 1);
        const Complex half = 0.5 * (a - d);
        const Complex root = std::sqrt(half * half + at(end - 2, end - 1) * at(end - 1, end - 2));
        const Complex first = 0.5 * (a + d) + root;
        const Complex second = 0.5 * (a + d) - root;
        return std::abs(first - d) < std::abs(second - d) ? first : second;
    }

    /// H - s I = Q R, and then R Q + s I, by rotations of neighbouring rows and columns.
    void step(std::size_t begin, std::size_t end, Complex s) {
        std::vector<std::pair<double, Complex>> turns;
        for (std::size_t i = begin; i < end; ++i) at(i, i) -= s;
        for (std::size_t i = begin; i + 1 < end; ++i) {
            const Complex a = at(i, i);
            const Complex b = at(i + 1, i);
            const double length = std::hypot(std::abs(a), std::abs(b));
            double c = 1;
            Complex t = 0;
            if (length > 0 && a != 0.0) {
                c = std::abs(a) / length;
                t = a / std::abs(a) * std::conj(b) / length;
            } else if (length > 0) {
                c = 0;
                t = std::conj(b) / std::abs(b);
            }
            turns.emplace_back(c, t);
            for (std::size_t k = i; k < end; ++k) {
                const Complex upper = at(i, k);
                const Complex lower = at(i + 1, k);
                at(i, k) = c * upper + t * lower;
                at(i + 1, k) = c * lower - std::conj(t) * upper;
            }
        }
        for (std::size_t i = begin; i + 1 < end; ++i) {
            const auto& [c, t] = turns[i - begin];
            for (std::size_t r = begin; r < std::min(i + 3, end); ++r) {
                const Complex left = at(r, i);
                const Complex right = at(r, i + 1);
                at(r, i) = c * left + std::conj(t) * right;
                at(r, i + 1) = c * right - t * left;
            }
        }
        for (std::size_t i = begin; i < end; ++i) at(i, i) += s;
    }

    std::size_t n_;
    std::vector<Complex> h_;
};

}  // namespace

std::vector<double> singular_values(const Tensor<double>& matrix) {
    require_finite(matrix);
    return JacobiColumns(matrix).norms();
}

double spectral_norm(const Tensor<double>& matrix) {
    return matrix.size() == 0 ? 0 : singular_values(matrix).front();
}

double spectral_radius(const Tensor<double>& matrix) {
    require_finite(matrix);
    double radius = 0;
    for (const Complex& value : Eigenvalues(matrix).list()) radius = std::max(radius, std::abs(value));
    return radius;
}

Orthogonalised orthogonalised(const Tensor<double>& matrix) {
    require_finite(matrix);
    const std::size_t n = rows_of(matrix);
    Orthogonalised made{Tensor<double>(xt::eye<double>(n)), matrix};
    double* const R = made.R.data();
    double* const Q = made.Q.data();
    std::vector<double> v(n);
    for (std::size_t k = 0; k + 1 < n; ++k) {
        double norm = 0;
        for (std::size_t i = k; i < n; ++i) norm = std::hypot(norm, v[i] = R[i * n + k]);
        if (norm == 0) continue;
        v[k] += std::copysign(norm, v[k]);
        double squares = 0;
        for (std::size_t i = k; i < n; ++i) squares += v[i] * v[i];
        for (std::size_t c = 0; c < n; ++c) {
            double sum = 0;
            for (std::size_t i = k; i < n; ++i) sum += v[i] * R[i * n + c];
            for (std::size_t i = k; i < n; ++i) R[i * n + c] -= 2 / squares * sum * v[i];
            sum = 0;
            for (std::size_t i = k; i < n; ++i) sum += Q[c * n + i] * v[i];
            for (std::size_t i = k; i < n; ++i) Q[c * n + i] -= 2 / squares * sum * v[i];
        }
        for (std::size_t i = k + 1; i < n; ++i) R[i * n + k] = 0;
    }
    return made;
}

Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b) {
    Tensor<double> result = uninitialised<double>({a.shape(0), b.shape(1)});
    gemm<double>({}, a.shape(0), b.shape(1), a.shape(1), a.data(), a.shape(1), b.data(), b.shape(1), 0.0,
                 result.data(), b.shape(1));
    return result;
}

}  // namespace tapeloop::detail
