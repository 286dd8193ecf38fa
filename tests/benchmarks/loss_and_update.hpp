// What a library that runs a whole sequence in one call leaves to its caller: the loss and the SGD update.
#pragma once

#include "workload.hpp"

namespace tapeloop::benchmarks {

// The sum of squares of all outputs h, summed step by step of `step_size` values, with its gradient in dh.
inline double square_outputs(const Floats& h, Floats& dh, std::size_t step_size) {
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

inline void descend(Floats& values, const Floats& gradient, float learning_rate) {
    float* p = values.data();
    const float* g = gradient.data();
#pragma omp simd
    for (std::size_t i = 0; i < values.size(); ++i) p[i] -= learning_rate * g[i];
}

}  // namespace tapeloop::benchmarks
