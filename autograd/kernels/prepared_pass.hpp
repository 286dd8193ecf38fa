#pragma once

#include <autograd/kernels/pass.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace tapeloop::detail {

/// An elementwise pass over operands that stay where they are, to be run again and again: the walk over them
/// was taken once, and the place of every run is known. Many of them are read one behind the other, so each
/// is small: what few of them need lies apart.
template <class T>
class PreparedPass {
  public:
    /// Prepares what `run_kernel` would do with these arguments. `function` must live as long as the pass;
    /// shapes and layouts are read here only.
    PreparedPass(const Shape& shape, std::span<const Layout> layouts, std::span<const T* const> inputs,
                 std::span<const Target<T>> targets, Kernel<T> kernel, const void* function);

    void run() const;

  private:
    /// An input that has one element for all of a run, or a pass that threads may share: it is laid out each
    /// time, for as many of them as there are.
    struct Rare {
        std::vector<std::size_t> advance;  ///< of each input
        std::vector<Shape> shapes;
        std::vector<std::size_t> row_strides;
    };

    void place_runs(const Shape& shape, const Walk& walk, std::span<const T* const> inputs,
                    std::span<const Target<T>> targets);
    void run_from_shapes() const;
    /// Calls the kernel for a run some of whose inputs have one element for all of it.
    void run_repeating(Run<T> run) const;

    Kernel<T> kernel_;
    const void* function_;
    std::unique_ptr<const T*[]> from_;  // of each input, run by run
    std::unique_ptr<Target<T>[]> to_;   // of each target, run by run
    std::unique_ptr<const Rare> rare_;
    std::uint32_t width_ = 0;  // of a run
    std::uint32_t runs_ = 0;
    std::uint32_t inputs_;
    std::uint32_t targets_;
};

extern template class PreparedPass<float>;
extern template class PreparedPass<double>;

}  // namespace tapeloop::detail
