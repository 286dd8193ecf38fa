#include <autograd/kernels/few.hpp>
#include <autograd/kernels/prepared_pass.hpp>

#include <algorithm>
#include <array>

namespace tapeloop::detail {
namespace {

// More elements than this are worth more than finding their places again, and threads may share them.
constexpr std::size_t most_elements = 4096;

template <class T>
constexpr auto all_advance = [] {
    std::array<std::size_t, most_streams> advance{};
    advance.fill(Lanes<T>::width);
    return advance;
}();

}  // namespace

template <class T>
PreparedPass<T>::PreparedPass(const Shape& shape, std::span<const Layout> layouts,
                              std::span<const T* const> inputs, std::span<const Target<T>> targets,
                              Kernel<T> kernel, const void* function)
    : kernel_(kernel),
      function_(function),
      inputs_(static_cast<std::uint32_t>(inputs.size())),
      targets_(static_cast<std::uint32_t>(targets.size())) {
    if (shape.size() == 0) return;
    if (shape.size() <= most_elements) {
        place_runs(shape, Walk(shape, layouts), inputs, targets);
        return;
    }
    auto rare = std::make_unique<Rare>();
    rare->shapes.push_back(shape);
    for (const Layout& layout : layouts) {
        rare->shapes.push_back(*layout.shape);
        rare->row_strides.push_back(layout.row_stride);
    }
    rare_ = std::move(rare);
    from_ = std::make_unique<const T*[]>(inputs_);
    to_ = std::make_unique<Target<T>[]>(targets_);
    std::copy(inputs.begin(), inputs.end(), from_.get());
    std::copy(targets.begin(), targets.end(), to_.get());
}

template <class T>
void PreparedPass<T>::place_runs(const Shape& shape, const Walk& walk, std::span<const T* const> inputs,
                                 std::span<const Target<T>> targets) {
    std::vector<std::size_t> advance;
    for (std::size_t k = 0; k < inputs.size(); ++k) advance.push_back(walk.single(k) ? 0 : Lanes<T>::width);
    if (std::find(advance.begin(), advance.end(), 0) != advance.end())
        rare_ = std::make_unique<const Rare>(Rare{std::move(advance), {}, {}});
    width_ = static_cast<std::uint32_t>(walk.width());
    runs_ = static_cast<std::uint32_t>(shape.size() / walk.width());
    from_ = std::make_unique<const T*[]>(runs_ * inputs.size());
    to_ = std::make_unique<Target<T>[]>(runs_ * targets.size());
    const T** from = from_.get();
    Target<T>* to = to_.get();
    walk.each_row(0, walk.piece_count(), [&](const auto& offsets) {
        for (std::size_t k = 0; k < inputs.size(); ++k) *from++ = inputs[k] + offsets[k];
        for (std::size_t k = 0; k < targets.size(); ++k) {
            T* const data = targets[k].data;
            *to++ = {data == nullptr ? nullptr : data + offsets[inputs.size() + k], targets[k].add};
        }
    });
}

template <class T>
void PreparedPass<T>::run_from_shapes() const {
    Few<Layout, most_streams> layouts(rare_->row_strides.size());
    for (std::size_t k = 0; k < layouts.size(); ++k)
        layouts[k] = {&rare_->shapes[k + 1], rare_->row_strides[k]};
    run_kernel<T>(rare_->shapes[0], layouts, {from_.get(), inputs_}, {to_.get(), targets_}, kernel_,
                  function_);
}

template <class T>
void PreparedPass<T>::run() const {
    if (rare_ != nullptr && !rare_->shapes.empty()) return run_from_shapes();
    const T* const* from = from_.get();
    const Target<T>* to = to_.get();
    for (std::uint32_t run = 0; run < runs_; ++run, to += targets_, from += inputs_) {
        if (rare_ == nullptr)
            kernel_(function_, {from, all_advance<T>.data(), to, width_});
        else
            run_repeating({from, rare_->advance.data(), to, width_});
    }
}

template <class T>
void PreparedPass<T>::run_repeating(Run<T> run) const {
    constexpr std::size_t width = Lanes<T>::width;
    alignas(64) T repeated[most_streams][width];
    const T* from[most_streams];
    for (std::size_t k = 0; k < inputs_; ++k) {
        from[k] = run.from[k];
        if (run.advance[k] != 0) continue;
        std::fill_n(repeated[k], width, *run.from[k]);
        from[k] = repeated[k];
    }
    run.from = from;
    kernel_(function_, run);
}

template class PreparedPass<float>;
template class PreparedPass<double>;

}  // namespace tapeloop::detail
