#include <fmt/format.h>
#include <autograd/kernels/reduction.hpp>
#include <autograd/sweep/pass_target.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::detail {

void set_part_shape(Shape& part, const Shape& packed, std::size_t parts) {
    part = packed;
    if (parts == 0) return;
    if (packed.rank() == 0 || packed.back() % parts != 0)
        throw std::invalid_argument(
            fmt::format("map: gates<{}> of a value that is {}; its last axis must divide into {} equal parts",
                        parts, packed.text(), parts));
    part.divide_back(parts);
}

template <class T>
PassTarget<T>::PassTarget(Sweep<T>& sweep, NodeIndex input, const Shape& part, const Shape& shape,
                          std::size_t parts, bool is_shared)
    : parts_(parts), part_(&part) {
    const bool is_whole = part == shape;
    if (is_whole && !is_shared) {
        target_ = sweep.target(input);
    } else if (!is_whole && repeats_along_rows(part, shape)) {
        target_ = sweep.accumulator(input);
    } else {
        part_ = &shape;
        const Buffer<T> aside(parts <= 1 ? shape : shape.with(shape.rank() - 1, shape.back() * parts));
        target_ = {aside.data(), false};
        aside_ = aside;
    }
}

template <class T>
void PassTarget<T>::deliver(Sweep<T>& sweep, NodeIndex node, NodeIndex input) const {
    if (aside_.data() == nullptr) return;
    sweep.steps_do_not_suffice();
    const Shape& whole = sweep.tape().node(input).shape;
    if (parts_ == 0 || whole.back() != parts_) return sweep.deliver(node, input, aside_);
    // Parts of one column each that were broadcast along it: [.., n H] is summed to [.., n].
    const Buffer<T> sums(aside_.shape().with(aside_.shape().rank() - 1, parts_));
    sum_into(aside_.reshaped({sums.size(), aside_.shape().back() / parts_}), {sums.size(), 1},
             {sums.data(), false});
    sweep.deliver(node, input, sums);
}

template class PassTarget<float>;
template class PassTarget<double>;

}  // namespace tapeloop::detail
