#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/lengths.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

namespace detail {

void require_lengths(std::string_view operation, const std::vector<std::size_t>& lengths,
                     std::size_t time_steps, std::size_t batch) {
    if (lengths.size() != batch)
        throw std::invalid_argument(
            fmt::format("{}: there are {} lengths for a batch of {}; each row needs one", operation,
                        lengths.size(), batch));
    for (std::size_t row = 0; row < batch; ++row)
        if (lengths[row] > time_steps)
            throw std::invalid_argument(
                fmt::format("{}: the length of row {} is {}; the sequence has {} time steps", operation, row,
                            lengths[row], time_steps));
}

}  // namespace detail

template <class T>
Tensor<T> length_mask(const std::vector<std::size_t>& lengths, std::size_t time_steps) {
    const std::size_t batch = lengths.size();
    require_lengths("length_mask", lengths, time_steps, batch);
    Tensor<T> mask = zeros<T>({time_steps, batch, 1});
    for (std::size_t row = 0; row < batch; ++row)
        for (std::size_t t = 0; t < lengths[row]; ++t) mask.data()[t * batch + row] = 1;
    return mask;
}

template Tensor<float> length_mask(const std::vector<std::size_t>&, std::size_t);
template Tensor<double> length_mask(const std::vector<std::size_t>&, std::size_t);

namespace {

template <class T>
Var<T> masked(const Operand<T>& x, const std::vector<std::size_t>& lengths) {
    if (lengths.empty()) return input(x);
    const std::size_t time_steps = x.shape()[0];
    std::vector<std::size_t> shape(x.shape().rank(), 1);
    shape[0] = time_steps;
    shape[1] = lengths.size();
    Tensor<T> mask = length_mask<T>(lengths, time_steps);
    mask.reshape(shape);
    return where(Operand<T>(mask, x.site()), x, 0);
}

}  // namespace

Var<float> mask_by_lengths(const Operand<float>& x, const std::vector<std::size_t>& lengths) {
    return masked(x, lengths);
}
Var<double> mask_by_lengths(const Operand<double>& x, const std::vector<std::size_t>& lengths) {
    return masked(x, lengths);
}

}  // namespace tapeloop::nn
