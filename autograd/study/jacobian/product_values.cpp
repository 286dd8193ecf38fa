#include <autograd/kernels/rows.hpp>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/study/jacobian/product_values.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

constexpr double nothing = -std::numeric_limits<double>::infinity();
// Rows with a smaller product than this are orthogonal.
constexpr double orthogonal_below = 1e-12;
// They are after few sweeps; rotations converge quadratically.
constexpr int most_sweeps = 30;
// A logarithm with a larger error than this is not known.
constexpr double largest_error = 0.1;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    return dot_of_rows(a.data(), b.data(), a.size());
}

}  // namespace

ProductValues::ProductValues(std::size_t S, double epsilon) : epsilon_(epsilon), rows_(S) {
    for (std::size_t i = 0; i < S; ++i) {
        rows_[i].u.assign(S, 0);
        rows_[i].q.assign(S, 0);
        rows_[i].u[i] = rows_[i].q[i] = 1;
    }
}

void ProductValues::multiply(const Tensor<double>& factor) {
    const std::size_t S = rows_.size();
    // (P J)^T = (J^T Q) D U, and J^T Q = Q' R.
    Tensor<double> turned = uninitialised<double>({S, S});
    for (std::size_t i = 0; i < S; ++i)
        for (std::size_t k = 0; k < S; ++k) turned(k, i) = rows_[i].q[k];
    const auto [Q, R] = orthogonalised(product(Tensor<double>(xt::transpose(factor)), turned));
    double size = 0;
    for (double element : R) size = std::max(size, std::abs(element));

    std::vector<Row> next(S);
    for (std::size_t i = 0; i < S; ++i) {
        Row& row = next[i];
        row.q.resize(S);
        for (std::size_t k = 0; k < S; ++k) row.q[k] = Q(k, i);
        row.u.assign(S, 0);
        row.logarithm = nothing;
        for (std::size_t j = i; j < S; ++j)
            row.logarithm = std::max(row.logarithm, std::log(std::abs(R(i, j))) + rows_[j].logarithm);
        // A matrix of zeros has them exactly.
        row.error = rows_[i].error + (size == 0 ? 0 : epsilon_ * size / std::abs(R(i, i)));
        if (row.logarithm == nothing) continue;
        for (std::size_t j = i; j < S; ++j) {
            const double share = R(i, j) * std::exp(rows_[j].logarithm - row.logarithm);
            if (share == 0) continue;
            add_row(row.u.data(), rows_[j].u.data(), share, S);
        }
        normalise(row);
    }
    rows_ = std::move(next);
    orthogonalise();
}

void ProductValues::normalise(Row& row) {
    const double norm = std::sqrt(dot(row.u, row.u));
    row.logarithm += std::log(norm);
    if (!(norm > 0)) return;
    for (double& element : row.u) element /= norm;  // few rows need it
}

/// Rotates pairs of rows until all are orthogonal, and sorts them.
void ProductValues::orthogonalise() {
    bool is_done = false;
    for (int sweep = 0; sweep < most_sweeps && !is_done; ++sweep) {
        std::sort(rows_.begin(), rows_.end(),
                  [](const Row& a, const Row& b) { return a.logarithm > b.logarithm; });
        is_done = true;
        for (std::size_t i = 0; i < rows_.size(); ++i)
            for (std::size_t j = i + 1; j < rows_.size(); ++j) {
                const bool in_order = rows_[i].logarithm >= rows_[j].logarithm;
                if (rotate(rows_[in_order ? i : j], rows_[in_order ? j : i])) is_done = false;
            }
    }
}

/// Makes two rows orthogonal; returns whether they were not.
bool ProductValues::rotate(Row& larger, Row& smaller) const {
    if (smaller.logarithm == nothing) return false;
    const double g = dot(larger.u, smaller.u);
    if (!(std::abs(g) > orthogonal_below)) return false;
    // Of two rows whose sizes are as 1 to s the smaller one loses t / s of the larger, which is no small
    // number where s is none at all.
    const double s = std::exp(smaller.logarithm - larger.logarithm);
    const double apart = 1 - s * s;
    const double loss = 2 * g / (apart + std::sqrt(apart * apart + 4 * s * s * g * g));
    const double t = loss * s;
    const double c = 1 / std::sqrt(1 + t * t);
    // Both rows have the norm 1 before, and shall have it after.
    const double grown = std::sqrt(1 + 2 * t * s * g + t * s * t * s);
    const double left = std::sqrt(std::max(0.0, 1 - 2 * loss * g + loss * loss));
    // What two rows have in common is lost with its digits.
    const double more = left > 0 ? epsilon_ / left : std::numeric_limits<double>::infinity();
    smaller.error += more;
    const double again = left > 0 ? 1 / left : 0;
    mix_rows(larger.u.data(), smaller.u.data(), larger.u.size(), 1 / grown, t * s / grown, -loss * again,
             again);
    mix_rows(larger.q.data(), smaller.q.data(), larger.q.size(), c, c * t, -c * t, c);
    larger.logarithm += std::log(c * grown);
    smaller.logarithm += std::log(c * left);
    // Where most of it is lost, its norm was a difference of nearly equal numbers.
    if (left < 0.1) normalise(smaller);
    return true;
}

std::vector<double> ProductValues::logarithms() const {
    std::vector<double> result;
    for (const Row& row : rows_)
        result.push_back(row.error < largest_error ? row.logarithm
                                                   : std::numeric_limits<double>::quiet_NaN());
    return result;
}

}  // namespace tapeloop::detail
