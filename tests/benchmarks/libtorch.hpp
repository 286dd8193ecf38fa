// What the two LibTorch contenders share. Only the libtorch_*.cpp include it.
#pragma once

#include <omp.h>
#include <torch/torch.h>

#include "workload.hpp"

namespace tapeloop::benchmarks {

inline torch::Tensor to_tensor(const Floats& values, at::IntArrayRef shape) {
    torch::Tensor tensor = torch::empty(shape);
    std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
    return tensor;
}

inline Floats to_floats(const torch::Tensor& tensor) {
    const torch::Tensor dense = tensor.detach().contiguous();
    const float* values = dense.data_ptr<float>();
    return Floats(values, values + dense.numel());
}

inline torch::Tensor input_of(const Problem& problem) {
    const auto [T, B, H] = problem.size;
    return to_tensor(problem.x, {T, B, H}).requires_grad_();
}

// LibTorch's products run on OpenBLAS's threads, its other operations on OpenMP's. With two threads in both
// pools each waits for the other's to stop spinning, and a step takes five times as long; with OpenBLAS's
// alone it is fastest.
class SingleOpenMpThread {
  public:
    SingleOpenMpThread() { omp_set_num_threads(1); }
    ~SingleOpenMpThread() { omp_set_num_threads(before_); }
    SingleOpenMpThread(const SingleOpenMpThread&) = delete;
    SingleOpenMpThread& operator=(const SingleOpenMpThread&) = delete;

  private:
    int before_ = omp_get_max_threads();
};

}  // namespace tapeloop::benchmarks
