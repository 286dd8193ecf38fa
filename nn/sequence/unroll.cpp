#include <fmt/format.h>
#include <nn/sequence/unroll.hpp>

#include <numeric>
#include <optional>
#include <stdexcept>
#include <unordered_set>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

std::string text(const std::vector<Shape>& shapes) {
    if (shapes.size() == 1) return shapes.front().text();
    std::string parts;
    for (const Shape& shape : shapes) parts += (parts.empty() ? "" : ", ") + shape.text();
    return "(" + parts + ")";
}

[[noreturn]] void fail(const std::string& message, const CallSite& site) {
    throw std::invalid_argument(with_site(message, site, ""));
}

}  // namespace

namespace {

void require_mask(const StepMask& mask, const Shape& x, const CallSite& site) {
    if (mask.shape() != Shape{x[0], x[1]})
        fail(fmt::format("unroll: the mask is {} and x is {}; the mask must be {}, x's first two axes",
                         mask.shape().text(), x.text(), Shape{x[0], x[1]}.text()),
             site);
}

}  // namespace

std::size_t require_sequence(const Shape& x, const UnrollOptions& options, const CallSite& site) {
    if (x.rank() < 3)
        fail(
            fmt::format("unroll: x is {}; a sequence must have three axes or more, [T, B, ..], or [B, T, ..] "
                        "with batch_first",
                        x.text()),
            site);
    const std::size_t batch = x[options.batch_first ? 0 : 1];
    const std::size_t time_steps = x[options.batch_first ? 1 : 0];
    if (!options.mask.empty()) require_mask(options.mask, x, site);
    if (options.memory != 0 && options.trace)
        fail("unroll: trace keeps the states that memory is to drop; ask for one of them", site);
    if (options.memory != 0 && !options.mask.empty())
        fail("unroll: memory does not go together with a mask, whose outputs reach back; lengths do", site);
    if (options.lengths.slot().has_value() && (options.memory != 0 || !options.mask.empty()))
        fail(
            "unroll: lengths that are a slot go together neither with memory nor with a mask; give fixed "
            "ones",
            site);
    if (!options.lengths.empty()) {
        try {
            require_lengths("unroll", options.lengths.values(), time_steps, batch);
        } catch (const std::invalid_argument& error) {
            fail(error.what(), site);
        }
    }
    return batch;
}

std::vector<int> batch_and_time_exchanged(const Shape& x) {
    std::vector<int> axes(x.rank());
    std::iota(axes.begin(), axes.end(), 0);
    std::swap(axes[0], axes[1]);
    return axes;
}

bool fits_usual(const Shape& given, const Shape& usual) {
    if (given.rank() != usual.rank()) return false;
    for (std::size_t axis = 0; axis < usual.rank(); ++axis)
        if (given[axis] != usual[axis] && (axis == 0 || usual[axis] != 0)) return false;
    return true;
}

void fail_given_state(const std::vector<Shape>& given, const std::vector<Shape>& usual, std::size_t batch,
                      const CallSite& site) {
    fail(fmt::format("unroll: the given state is {}; for x's batch of {} it must be {}, as the cell's "
                     "initial_state is",
                     text(given), batch, text(usual)),
         site);
}

void fail_without_batch(const Shape& part, std::size_t batch, const CallSite& site) {
    fail(fmt::format(
             "unroll: a part of the state is {}; with lengths, a part that the step changes must have the "
             "batch ({}) as its first axis, for each row keeps its own where it ends or is masked",
             part.text(), batch),
         site);
}

void fail_next_state(const std::vector<Shape>& next, const std::vector<Shape>& before, std::size_t time_step,
                     const CallSite& site) {
    fail(fmt::format(
             "unroll: the cell's step at t={} makes a state of {} from one of {}; it must keep the shapes",
             time_step, text(next), text(before)),
         site);
}

void require_projected(const Shape& part, const Shape& x, std::size_t leading, const CallSite& site) {
    bool fits = part.rank() >= leading;
    for (std::size_t axis = 0; fits && axis < leading; ++axis) fits = part[axis] == x[axis];
    if (!fits)
        fail(fmt::format("unroll: the cell's project makes {} of {}; it must keep the first axes, for steps "
                         "are taken from them",
                         part.text(), x.text()),
             site);
}

void require_output_rows(const Shape& output, std::size_t rows, std::size_t time_step, const CallSite& site) {
    if (output.rank() == 0 || output[0] != rows)
        fail(fmt::format(
                 "unroll: the cell's step at t={} gives an output of {} for {} rows; with lengths or a "
                 "mask, the rows must be its first axis",
                 time_step, output.text(), rows),
             site);
}

bool reads_anything(const Shape& x, const UnrollOptions& options) {
    Shape time_first = x;
    if (options.batch_first) time_first = Shape{x[1], x[0]};
    UnrollOptions own;
    own.lengths = options.lengths;
    own.mask = options.batch_first ? options.mask.transposed() : options.mask;
    const CountedSteps steps(own, time_first[0], time_first[1]);
    return steps.all() ? time_first[0] > 0 && time_first[1] > 0 : steps.count() > 0;
}

namespace {

/// Returns whether a node is a value alone, which nobody detached on purpose: what `resume` makes.
template <class T>
bool is_mere_value(const Var<T>& part) {
    const Tape<T>& tape = part.tape();
    return tape.recording() && tape.inputs(part.index()).empty() && tape.parameter(part.index()) == nullptr &&
           !tape.detached_from(part.index()).has_value();
}

/// The name of a parameter that a node was made of; none if it was made of none.
template <class T>
std::optional<std::string> parameter_behind(const Var<T>& part) {
    const Tape<T>& tape = part.tape();
    std::vector<NodeIndex> open{part.index()};
    std::unordered_set<NodeIndex> seen{part.index()};
    while (!open.empty()) {
        const NodeIndex node = open.back();
        open.pop_back();
        if (const auto parameter = tape.parameter(node); parameter != nullptr) return parameter->name;
        for (const NodeIndex input : tape.inputs(node))
            if (seen.insert(input).second) open.push_back(input);
    }
    return {};
}

}  // namespace

template <class T>
void LostGradients<T>::look(const Var<T>& given, const Var<T>& usual) {
    if (is_mere_value(given))
        if (auto parameter = parameter_behind(usual)) parts_.push_back({given, *parameter, count_});
    ++count_;
}

template <class T>
void LostGradients<T>::require_none(const std::vector<Var<T>>& final_state, const CallSite& site) const {
    for (const auto& [given, parameter, part] : parts_)
        if (final_state[part].is(given))
            throw std::logic_error(with_site(
                fmt::format(
                    "unroll: part {} of the given state, {}, is a value without its gradient, as `resume` "
                    "makes "
                    "them; the cell's initial_state makes it of the parameter `{}`, and its step hands it on "
                    "as "
                    "it is, so that no gradient would reach `{}`: make it in `prepare()`, once per unroll, "
                    "and "
                    "let step take it as its third argument (or detach it in initial_state if that is meant)",
                    part, given.shape().text(), parameter, parameter),
                site, ""));
}

template class LostGradients<float>;
template class LostGradients<double>;

}  // namespace tapeloop::nn::detail
