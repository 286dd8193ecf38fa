#include <autograd/kernels/few.hpp>
#include <autograd/kernels/pass.hpp>
#include <autograd/kernels/threads.hpp>

#include <algorithm>

namespace tapeloop::detail {

Walk::Walk(const Shape& shape, std::span<const Layout> layouts)
    : count_(layouts.size()), width_(shape.size()) {
    const bool one_row = shape.rank() == 0 || shape.back() == width_;
    bool plain = true;
    for (std::size_t k = 0; k < count_ && plain; ++k) {
        const Layout& own = layouts[k];
        if (k > 0 && own.shape == layouts[k - 1].shape && own.row_stride == layouts[k - 1].row_stride) {
            single_[k] = single_[k - 1];  // as the part before it
            continue;
        }
        const bool same = own.shape == &shape || *own.shape == shape;
        single_[k] = !same && own.shape->size() == 1;
        plain = single_[k] || (same && (own.row_stride == 0 || one_row));
    }
    if (!plain) merge_axes(shape, layouts);
}

void Walk::merge_axes(const Shape& shape, std::span<const Layout> layouts) {
    width_ = 1;
    Strides stride;
    std::fill_n(stride.begin(), count_, 1);
    bool innermost = true;
    Strides inner_strides;
    std::fill_n(inner_strides.begin(), count_, 0);
    std::fill_n(single_.begin(), count_, false);
    for (std::size_t back = 0; back < shape.rank(); ++back) {
        const std::size_t extent = shape[shape.rank() - 1 - back];
        Strides here;
        for (std::size_t k = 0; k < count_; ++k) {
            const Shape& own = *layouts[k].shape;
            const std::size_t own_extent = back < own.rank() ? own[own.rank() - 1 - back] : 1;
            here[k] = own_extent == 1 ? 0 : stride[k];
            stride[k] *= own_extent;
            if (back == 0 && layouts[k].row_stride != 0) stride[k] = layouts[k].row_stride;
        }
        if (extent == 1) continue;
        if (innermost && is_run(here)) {
            width_ = extent;
            std::copy_n(here.begin(), count_, inner_strides.begin());
        } else if (outer_ == 0 && merges(here, inner_strides, width_)) {
            width_ *= extent;
        } else if (outer_ > 0 && merges(here, strides_[outer_ - 1], extents_[outer_ - 1])) {
            extents_[outer_ - 1] *= extent;
        } else {
            std::copy_n(here.begin(), count_, strides_[outer_].begin());
            extents_[outer_++] = extent;
        }
        innermost = false;
    }
    if (width_ > 1)
        for (std::size_t k = 0; k < count_; ++k) single_[k] = inner_strides[k] == 0;
}

bool Walk::is_run(const Strides& strides) const {
    return std::all_of(strides.begin(), strides.begin() + static_cast<std::ptrdiff_t>(count_),
                       [](std::size_t stride) { return stride <= 1; });
}

bool Walk::merges(const Strides& outer, const Strides& inner, std::size_t extent) const {
    if (extent == 1) return false;
    for (std::size_t k = 0; k < count_; ++k)
        if (outer[k] != inner[k] * extent) return false;
    return true;
}

namespace {

/// A part of a walk: pieces of its outermost axis or, where it is a single run, of that.
struct Part {
    std::size_t first_piece;
    std::size_t last_piece;
    std::size_t begin;
    std::size_t end;
};

/// The number of threads of a pass, and the share of each.
class Sharing {
  public:
    Sharing(const Walk& walk, std::size_t size, std::size_t inputs, std::size_t targets, std::size_t lanes)
        : pieces_(walk.piece_count()), width_(walk.width()), lanes_(lanes) {
        if (size * (inputs + targets) < worth_sharing) return;
        // Results that are summed over the pieces belong to one thread, and in order.
        for (std::size_t k = 0; k < targets; ++k)
            if (walk.is_shared(inputs + k)) return;
        const std::size_t most = pieces_ > 1 ? pieces_ : (width_ + lanes_ - 1) / lanes_;
        count_ = std::min(thread_count(), most);
    }

    std::size_t count() const { return count_; }
    Part whole() const { return {0, pieces_, 0, width_}; }
    Part part(std::size_t k) const {
        if (pieces_ > 1) return {pieces_ * k / count_, pieces_ * (k + 1) / count_, 0, width_};
        const std::size_t registers = (width_ + lanes_ - 1) / lanes_;
        return {0, 1, registers * k / count_ * lanes_,
                std::min(registers * (k + 1) / count_ * lanes_, width_)};
    }

  private:
    std::size_t pieces_;
    std::size_t width_;
    std::size_t lanes_;
    std::size_t count_ = 1;
};

template <class T>
struct Pass {
    const Walk& walk;
    std::span<const T* const> inputs;
    std::span<const Target<T>> targets;
    Kernel<T> kernel;
    const void* function;

    void run(const Part& part) const {
        constexpr std::size_t width = Lanes<T>::width;
        alignas(64) T repeated[most_streams][width];  // an element that stands for the whole run
        std::array<const T*, most_streams> from;
        std::array<std::size_t, most_streams> advance;
        const auto read = [&](std::size_t k, const T* start) {
            if (advance[k] == 0) {
                std::fill_n(repeated[k], width, *start);
                from[k] = repeated[k];
            } else {
                from[k] = start + part.begin;
            }
        };
        for (std::size_t k = 0; k < inputs.size(); ++k) advance[k] = walk.single(k) ? 0 : width;
        const std::size_t count = part.end - part.begin;
        if (walk.is_one_run() && part.begin == 0) {
            for (std::size_t k = 0; k < inputs.size(); ++k) read(k, inputs[k]);
            return kernel(function, {from.data(), advance.data(), targets.data(), count});
        }
        Few<Target<T>, most_streams> to(targets.size());
        std::copy(targets.begin(), targets.end(), to.begin());
        walk.each_row(part.first_piece, part.last_piece, [&](const auto& offsets) {
            for (std::size_t k = 0; k < inputs.size(); ++k) read(k, inputs[k] + offsets[k]);
            for (std::size_t k = 0; k < targets.size(); ++k)
                if (targets[k].data != nullptr)
                    to[k].data = targets[k].data + offsets[inputs.size() + k] + part.begin;
            kernel(function, {from.data(), advance.data(), to.data(), count});
        });
    }
};

}  // namespace

template <class T>
void run_kernel(const Shape& shape, std::span<const Layout> layouts, std::span<const T* const> inputs,
                std::span<const Target<T>> targets, Kernel<T> kernel, const void* function) {
    const std::size_t size = shape.size();
    if (size == 0) return;
    const Walk walk(shape, layouts);
    const Pass<T> pass{walk, inputs, targets, kernel, function};
    const Sharing sharing(walk, size, inputs.size(), targets.size(), Lanes<T>::width);
    if (sharing.count() == 1)
        pass.run(sharing.whole());
    else
        in_parallel(sharing.count(), [&](std::size_t k) { pass.run(sharing.part(k)); });
}

template <class T>
void broadcast_into(const Array<T>& x, const Shape& shape, const Target<T>& target) {
    run_pass<T, 1, 1>(shape, {Layout{&x.shape(), 0}, Layout{&shape, 0}}, {x.data()}, {target},
                      [](const auto& in, auto& out) { out[0] = in[0]; });
}

template void run_kernel(const Shape&, std::span<const Layout>, std::span<const float* const>,
                         std::span<const Target<float>>, Kernel<float>, const void*);
template void run_kernel(const Shape&, std::span<const Layout>, std::span<const double* const>,
                         std::span<const Target<double>>, Kernel<double>, const void*);
template void broadcast_into(const Array<float>&, const Shape&, const Target<float>&);
template void broadcast_into(const Array<double>&, const Shape&, const Target<double>&);

}  // namespace tapeloop::detail
