#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/lengths.hpp>

#include <functional>
#include <stdexcept>
#include <utility>

namespace tapeloop::nn {

using namespace detail;

const std::vector<std::size_t>& Lengths::fixed() const {
    if (slot_.has_value())
        throw std::logic_error(
            "lengths: they are a slot, which a program may give others, and are used where lengths must be "
            "fixed; give a std::vector of them, and record anew when they change");
    return list_;
}

std::vector<std::size_t>& Lengths::fixed() {
    static_cast<void>(std::as_const(*this).fixed());
    return list_;
}

std::vector<std::size_t> Lengths::checked(const Indices& slot) {
    if (slot.shape().rank() != 1)
        throw std::invalid_argument(fmt::format(
            "lengths: the positions are {}; there must be one for each row, [B]", slot.shape().text()));
    std::vector<std::size_t> list;
    for (const std::ptrdiff_t length : slot.values()) {
        if (length < 0)
            throw std::invalid_argument(fmt::format(
                "lengths: the length of row {} is {}; it must not be negative", list.size(), length));
        list.push_back(static_cast<std::size_t>(length));
    }
    return list;
}

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

Indices following(std::string_view operation, const Lengths& lengths, std::size_t time_steps,
                  const Shape& shape,
                  std::function<std::vector<std::ptrdiff_t>(const std::vector<std::size_t>&)> follow) {
    return {*lengths.slot(), shape,
            [operation = std::string(operation), time_steps,
             follow = std::move(follow)](std::span<const std::ptrdiff_t> given) {
                const Lengths others = Indices(given);
                require_lengths(operation, others.values(), time_steps, given.size());
                return follow(others.values());
            }};
}

template <class T>
Var<T> counting(const Indices& counts, const CallSite& site) {
    return gather_rows(Operand<T>(Tensor<T>{0, 1}, site), counts);
}

template <class T>
Var<T> length_mask(const Lengths& lengths, std::size_t time_steps, std::size_t axes, const CallSite& site) {
    std::vector<std::size_t> extents(2 + axes, 1);
    extents[0] = time_steps;
    extents[1] = lengths.size();
    const Shape shape(extents);
    if (!lengths.slot().has_value()) {
        Tensor<T> mask = nn::length_mask<T>(lengths.values(), time_steps);
        mask.reshape(extents);
        return input(Operand<T>(mask, site));
    }
    const auto within = [time_steps](const std::vector<std::size_t>& list) {
        std::vector<std::ptrdiff_t> counts;
        for (std::size_t t = 0; t < time_steps; ++t)
            for (const std::size_t length : list) counts.push_back(t < length ? 1 : 0);
        return counts;
    };
    return counting<T>(following("lengths", lengths, time_steps, shape, within), site);
}

template Var<float> counting(const Indices&, const CallSite&);
template Var<double> counting(const Indices&, const CallSite&);
template Var<float> length_mask(const Lengths&, std::size_t, std::size_t, const CallSite&);
template Var<double> length_mask(const Lengths&, std::size_t, std::size_t, const CallSite&);

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
Var<T> masked(const Operand<T>& x, const Lengths& lengths) {
    if (lengths.empty()) return input(x);
    tapeloop::detail::checked(tapeloop::detail::tape_of("mask_by_lengths", x), x.site(), [&] {
        if (x.shape().rank() < 2)
            throw std::invalid_argument(
                fmt::format("mask_by_lengths: x is {}; it must be [T, B, ..]", x.shape().text()));
        require_lengths("mask_by_lengths", lengths.values(), x.shape()[0], x.shape()[1]);
    });
    const Var<T> counts = length_mask<T>(lengths, x.shape()[0], x.shape().rank() - 2, x.site());
    return where(Operand<T>(counts, x.site()), x, 0);
}

}  // namespace

Var<float> mask_by_lengths(const Operand<float>& x, const Lengths& lengths) { return masked(x, lengths); }
Var<double> mask_by_lengths(const Operand<double>& x, const Lengths& lengths) { return masked(x, lengths); }

}  // namespace tapeloop::nn
