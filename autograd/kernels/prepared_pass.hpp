#pragma once

#include <autograd/kernels/pass.hpp>

#include <vector>

namespace tapeloop::detail {

/// An elementwise pass over operands that stay where they are, to be run again and again: the walk over them
/// was taken once, and the place of every run is known.
template <class T>
class PreparedPass {
  public:
    /// Prepares what `run_kernel` would do with these arguments. `function` must live as long as the pass;
    /// shapes and layouts are read here only.
    PreparedPass(const Shape& shape, std::span<const Layout> layouts, std::span<const T* const> inputs,
                 std::span<const Target<T>> targets, Kernel<T> kernel, const void* function);

    void run() const;

  private:
    void place_runs(const Walk& walk, std::span<const T* const> inputs, std::span<const Target<T>> targets);
    void run_from_shapes() const;
    /// Calls the kernel for a run some of whose inputs have one element for all of it.
    void run_repeating(Run<T> run) const;

    Kernel<T> kernel_;
    const void* function_;
    std::size_t width_;
    std::size_t targets_;
    bool has_singles_ = false;
    std::vector<std::size_t> advance_;  // of each input
    std::vector<const T*> from_;        // of each input, run by run
    std::vector<Target<T>> to_;         // of each target, run by run
    // What threads may share is laid out each time, for as many of them as there are.
    std::vector<Shape> shapes_;
    std::vector<std::size_t> row_strides_;
};

extern template class PreparedPass<float>;
extern template class PreparedPass<double>;

}  // namespace tapeloop::detail
