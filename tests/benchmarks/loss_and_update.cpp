#include "loss_and_update.hpp"

namespace tapeloop::benchmarks {

double square_outputs(const Floats& h, Floats& dh, std::size_t step_size) {
    double loss = 0;
    for (std::size_t start = 0; start < h.size(); start += step_size) {
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::size_t i = start; i < start + step_size; ++i) {
            sum += h[i] * h[i];
            dh[i] = 2.0F * h[i];
        }
        loss += static_cast<double>(sum);
    }
    return loss;
}

void descend(Floats& values, const Floats& gradient, float learning_rate) {
    float* p = values.data();
    const float* g = gradient.data();
#pragma omp simd
    for (std::size_t i = 0; i < values.size(); ++i) p[i] -= learning_rate * g[i];
}

}  // namespace tapeloop::benchmarks
