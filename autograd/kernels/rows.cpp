#include <autograd/kernels/rows.hpp>

#include <array>
#include <numeric>

namespace tapeloop::detail {

double dot_of_rows(const double* a, const double* b, std::size_t n) {
    std::array<double, 16> sums{};  // several, so that none waits for the one before
    const std::size_t whole = n / sums.size() * sums.size();
    for (std::size_t i = 0; i < whole; i += sums.size())
        for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += a[i + k] * b[i + k];
    for (std::size_t i = whole; i < n; ++i) sums[0] += a[i] * b[i];
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

void add_row(double* to, const double* from, double factor, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

void mix_rows(double* a, double* b, std::size_t n, double aa, double ab, double ba, double bb) {
    for (std::size_t i = 0; i < n; ++i) {
        const double before = a[i];
        a[i] = aa * before + ab * b[i];
        b[i] = ba * before + bb * b[i];
    }
}

}  // namespace tapeloop::detail
