#include <autograd/kernels/few.hpp>
#include <autograd/kernels/prepared_pass.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

// More elements than this are worth more than finding their places again, and threads may share them.
constexpr std::size_t most_elements = 4096;

}  // namespace

template <class T>
PreparedPass<T>::PreparedPass(const Shape& shape, std::span<const Layout> layouts,
                              std::span<const T* const> inputs, std::span<const Target<T>> targets,
                              Kernel<T> kernel, const void* function)
    : kernel_(kernel), function_(function), width_(shape.size()), targets_(targets.size()) {
    if (width_ == 0) return;
    if (width_ <= most_elements) {
        const Walk walk(shape, layouts);
        width_ = walk.width();
        for (std::size_t k = 0; k < inputs.size(); ++k)
            advance_.push_back(walk.single(k) ? 0 : Lanes<T>::width);
        has_singles_ = std::find(advance_.begin(), advance_.end(), 0) != advance_.end();
        place_runs(walk, inputs, targets);
        return;
    }
    shapes_.push_back(shape);
    for (const Layout& layout : layouts) {
        shapes_.push_back(*layout.shape);
        row_strides_.push_back(layout.row_stride);
    }
    from_.assign(inputs.begin(), inputs.end());
    to_.assign(targets.begin(), targets.end());
}

template <class T>
void PreparedPass<T>::place_runs(const Walk& walk, std::span<const T* const> inputs,
                                 std::span<const Target<T>> targets) {
    walk.each_row(0, walk.piece_count(), [&](const auto& offsets) {
        for (std::size_t k = 0; k < inputs.size(); ++k) from_.push_back(inputs[k] + offsets[k]);
        for (std::size_t k = 0; k < targets.size(); ++k) {
            T* const data = targets[k].data;
            to_.push_back({data == nullptr ? nullptr : data + offsets[inputs.size() + k], targets[k].add});
        }
    });
}

template <class T>
void PreparedPass<T>::run_from_shapes() const {
    Few<Layout, most_streams> layouts(row_strides_.size());
    for (std::size_t k = 0; k < layouts.size(); ++k) layouts[k] = {&shapes_[k + 1], row_strides_[k]};
    run_kernel<T>(shapes_[0], layouts, from_, to_, kernel_, function_);
}

template <class T>
void PreparedPass<T>::run() const {
    if (!shapes_.empty()) return run_from_shapes();
    const T* const* from = from_.data();
    const Target<T>* const end = to_.data() + to_.size();
    for (const Target<T>* to = to_.data(); to != end; to += targets_, from += advance_.size()) {
        const Run<T> run{from, advance_.data(), to, width_};
        if (has_singles_)
            run_repeating(run);
        else
            kernel_(function_, run);
    }
}

template <class T>
void PreparedPass<T>::run_repeating(Run<T> run) const {
    constexpr std::size_t width = Lanes<T>::width;
    alignas(64) T repeated[most_streams][width];
    const T* from[most_streams];
    for (std::size_t k = 0; k < advance_.size(); ++k) {
        from[k] = run.from[k];
        if (advance_[k] != 0) continue;
        std::fill_n(repeated[k], width, *run.from[k]);
        from[k] = repeated[k];
    }
    run.from = from;
    kernel_(function_, run);
}

template class PreparedPass<float>;
template class PreparedPass<double>;

}  // namespace tapeloop::detail
