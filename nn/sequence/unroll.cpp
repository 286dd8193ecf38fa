#include <fmt/format.h>
#include <nn/sequence/unroll.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

std::string text(const std::vector<Shape>& shapes) {
    if (shapes.size() == 1) return shapes.front().text();
    std::string parts;
    for (const Shape& shape : shapes) parts += (parts.empty() ? "" : ", ") + shape.text();
    return "(" + parts + ")";
}

[[noreturn]] void fail(const std::string& message, const Site& site) {
    throw std::invalid_argument(with_site(message, site, ""));
}

}  // namespace

std::size_t require_sequence(const Shape& x, const UnrollOptions& options, const Site& site) {
    if (x.rank() != 3)
        fail(fmt::format(
                 "unroll: x is {}; a sequence must have three axes, [T, B, I], or [B, T, I] with batch_first",
                 x.text()),
             site);
    const std::size_t batch = x[options.batch_first ? 0 : 1];
    const std::size_t time_steps = x[options.batch_first ? 1 : 0];
    if (!options.lengths.empty()) {
        try {
            require_lengths("unroll", options.lengths, time_steps, batch);
        } catch (const std::invalid_argument& error) {
            fail(error.what(), site);
        }
    }
    return batch;
}

bool fits_usual(const Shape& given, const Shape& usual) {
    if (given.rank() != usual.rank()) return false;
    for (std::size_t axis = 0; axis < usual.rank(); ++axis)
        if (given[axis] != usual[axis] && (axis == 0 || usual[axis] != 0)) return false;
    return true;
}

void fail_given_state(const std::vector<Shape>& given, const std::vector<Shape>& usual, std::size_t batch,
                      const Site& site) {
    fail(fmt::format("unroll: the given state is {}; for x's batch of {} it must be {}, as the cell's "
                     "initial_state is",
                     text(given), batch, text(usual)),
         site);
}

void fail_without_batch(const Shape& part, std::size_t batch, const Site& site) {
    fail(fmt::format(
             "unroll: a part of the state is {}; with lengths, a part that the step changes must have the "
             "batch ({}) as its first axis, for each row keeps its own where it ends",
             part.text(), batch),
         site);
}

void fail_next_state(const std::vector<Shape>& next, const std::vector<Shape>& before, std::size_t time_step,
                     const Site& site) {
    fail(fmt::format(
             "unroll: the cell's step at t={} makes a state of {} from one of {}; it must keep the shapes",
             time_step, text(next), text(before)),
         site);
}

}  // namespace tapeloop::nn::detail
