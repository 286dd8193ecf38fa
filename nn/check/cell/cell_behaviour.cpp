#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/cell/cell_behaviour.hpp>
#include <nn/closed_form/loops.hpp>

#include <algorithm>
#include <limits>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

constexpr std::string_view not_in_state =
    "what one call leaves behind for the next must be in the state, "
    "not in a mutable member, a static variable or a generator";
constexpr std::string_view no_single_steps = "it reads whole sequences and has no single step";

constexpr std::size_t many_runs = 20;

bool all_zero(const Tensor<double>& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return element == 0; });
}

}  // namespace

Found judged(const std::string& difference, std::string text, std::string_view advice) {
    if (difference.empty()) return {CellVerdict::passed, std::move(text)};
    const bool is_of_values = !difference.starts_with("gradient by");
    return {CellVerdict::failed,
            fmt::format("{}; {}", difference,
                        is_of_values ? advice : "the values agree, so a rule is wrong: see the gradients")};
}

template <class T>
Found CellBehaviour<T>::no_state_in_the_cell() const {
    std::vector<std::size_t> steps = range(0, batch_.time_steps());
    std::reverse(steps.begin(), steps.end());
    std::vector<std::size_t> rows = range(0, batch_.size());
    rows.push_back(0);
    const Batch<T> other = runs_.part(batch_, steps, rows);
    runs_.unrolled(other);
    std::string found =
        runs_.difference(run_, runs_.unrolled(batch_), {"at first", "after another sequence"}, 0);
    if (found.empty() && runs_.cell.has_step) {
        const CellRun alone = runs_.stepped(batch_);
        found = runs_.difference(alone, runs_.alternated(batch_, other, alone),
                                 {"alone", "with steps of another sequence in between"}, 0);
        if (found.empty())
            found = runs_.difference(alone, runs_.interrupted(batch_, other, alone),
                                     {"alone", "with another tape in between"}, 0);
    }
    return judged(found,
                  runs_.cell.has_step
                      ? "sequences that alternate, on one tape and on two, do not disturb each other"
                      : "a sequence gives the same after another one",
                  not_in_state);
}

template <class T>
Found CellBehaviour<T>::same_bits() const {
    const CellRun first = runs_.unrolled(batch_);
    std::string found = runs_.difference(first, runs_.unrolled(batch_), {"at first", "again"}, 0);
    // What happens every so many calls may fall on the same step of two runs.
    const Batch<T> step = runs_.part(batch_, {0}, range(0, batch_.size()));
    const CellRun first_step = runs_.unrolled(step);
    for (std::size_t n = 2; n <= many_runs && found.empty(); ++n)
        found =
            runs_.difference(first_step, runs_.unrolled(step),
                             {"at first", fmt::format("when its first step runs for the {}th time", n)}, 0);
    return judged(found, "values and gradients are the same to the last bit", not_in_state);
}

template <class T>
Found CellBehaviour<T>::step_by_step() const {
    if (!runs_.cell.has_step) return {CellVerdict::not_applicable, std::string(no_single_steps)};
    return judged(
        runs_.difference(run_, runs_.stepped(batch_), {"by unroll", "step by step"}, way_rounding<T>),
        "gives what unroll gives",
        "project must give for a whole sequence what it gives for each time step, and step may depend on "
        "its input and its state alone");
}

/// Compares one row of a padded batch with the row run alone, and adds its gradients by parameters to `sum`.
template <class T>
std::string CellBehaviour<T>::row_alone(const Batch<T>& padded, const CellRun& whole, std::size_t row,
                                        std::size_t length, CellRun& sum) const {
    const std::string names = fmt::format("in the row {} of a padded batch", row);
    const std::vector<std::size_t> steps = range(0, length);
    const CellRun alone = runs_.unrolled(runs_.part(padded, steps, {row}));
    for (std::size_t k = 0; k < alone.by_parameter.size(); ++k)
        closed_form::add_to(sum.by_parameter[k], alone.by_parameter[k]);
    for (std::size_t k = 0; k < alone.by_state.size(); ++k)
        if (!runs_.is_batched[k]) closed_form::add_to(sum.by_state[k], alone.by_state[k]);
    const CellRun behind = runs_.part(whole, range(length, padded.time_steps()), {row});
    if (!all_zero(behind.outputs) || !all_zero(behind.by_x))
        return fmt::format("outputs or gradients by x behind the end (t={}) of row {} are not 0", length,
                           row);
    return runs_.difference_of_rows(runs_.part(whole, steps, {row}), alone, {names, "alone"},
                                    way_rounding<T>);
}

template <class T>
Found CellBehaviour<T>::padded_batch() const {
    for (std::size_t k = 0; k < batch_.state.size(); ++k)
        if (batch_.state[k].dimension() == 0)
            return {CellVerdict::not_applicable,
                    fmt::format("{} is a scalar, which no row can keep where it ends", runs_.state_names[k])};
    UnrollOptions options;
    Batch<T> padded = batch_;
    const std::size_t steps = padded.time_steps();
    const std::size_t width = padded.x.size() / steps / padded.size();
    for (std::size_t row = 0; row < padded.size(); ++row) {
        options.lengths.push_back(row == 0 ? steps : row == 1 ? (steps + 1) / 2 : (row - 2) % steps);
        for (std::size_t t = options.lengths.back(); t < steps; ++t)
            std::fill_n(padded.x.data() + (t * padded.size() + row) * width, width,
                        std::numeric_limits<T>::quiet_NaN());
    }
    const CellRun whole = runs_.unrolled(padded, options);
    CellRun sum = whole;
    runs_.clear_sums(sum);
    std::string found;
    for (std::size_t row = 0; row < padded.size() && found.empty(); ++row)
        found = row_alone(padded, whole, row, options.lengths[row], sum);
    if (found.empty())
        found = runs_.difference_of_sums(whole, sum, {"of a padded batch", "summed over its rows alone"},
                                         way_rounding<T>);
    return judged(
        found, fmt::format("gives what its rows give alone, of lengths {}", fmt::join(options.lengths, ", ")),
        "a row may depend on no other row and on nothing behind its end");
}

template <class T>
Found CellBehaviour<T>::permuted_batch() const {
    const std::vector<std::size_t> steps = range(0, batch_.time_steps());
    std::vector<std::size_t> order = range(1, batch_.size());
    order.push_back(0);
    const CellRun permuted = runs_.unrolled(runs_.part(batch_, steps, order));
    return judged(runs_.difference(runs_.part(run_, steps, order), permuted,
                                   {"in the first order of rows", "in another one"}, way_rounding<T>),
                  "gives what the batch gives, permuted", "a row may not depend on its place in the batch");
}

template <class T>
Found CellBehaviour<T>::no_time_steps() const {
    const std::vector<std::size_t> rows = range(0, batch_.size());
    const CellRun run = runs_.unrolled(runs_.part(batch_, {}, rows));
    CellRun expected = runs_.part(run_, {}, rows);
    for (std::size_t k = 0; k < batch_.state.size(); ++k) {
        expected.state[k] = tapeloop::detail::as_double(batch_.state[k]);
        expected.by_state[k] = tapeloop::detail::as_double(batch_.state_cotangents[k]);
    }
    for (Tensor<double>& one : expected.by_parameter) one.fill(0);
    return judged(runs_.difference(expected, run, {"without a step", "after T = 0"}, 0),
                  fmt::format("outputs {}, and the state stays", shape_of(run.outputs).text()),
                  "a sequence without time steps must hand its state on");
}

template <class T>
Found CellBehaviour<T>::one_time_step() const {
    const Batch<T> first = runs_.part(batch_, {0}, range(0, batch_.size()));
    const CellRun run = runs_.unrolled(first);
    if (!runs_.cell.has_step)
        return {CellVerdict::passed, fmt::format("outputs {}", shape_of(run.outputs).text())};
    return judged(runs_.difference(run, runs_.stepped(first), {"by unroll", "by a step"}, way_rounding<T>),
                  "gives what a step gives", "unroll of one time step must be a step");
}

template <class T>
Found CellBehaviour<T>::no_rows() const {
    const std::vector<std::size_t> steps = range(0, batch_.time_steps());
    const CellRun run = runs_.unrolled(runs_.part(batch_, steps, {}));
    CellRun expected = runs_.part(run_, steps, {});
    runs_.clear_sums(expected);
    return judged(runs_.difference(expected, run, {"without rows", "with B = 0"}, 0),
                  fmt::format("outputs {}, gradients 0", shape_of(run.outputs).text()),
                  "a batch without rows must have outputs without rows and gradients of 0");
}

template <class T>
Found CellBehaviour<T>::save_and_restore() const {
    if (!runs_.cell.has_step) return {CellVerdict::not_applicable, std::string(no_single_steps)};
    const std::vector<std::size_t> rows = range(0, batch_.size());
    for (std::size_t k = 1; k < batch_.time_steps(); ++k) {
        const CellRun in_one = runs_.part(run_, range(k, batch_.time_steps()), rows);
        const std::string found =
            runs_.difference(in_one, runs_.resumed(batch_, k, in_one),
                             {"in one go", fmt::format("resumed behind t={}", k - 1)}, way_rounding<T>);
        if (!found.empty()) return judged(found, "", not_in_state);
    }
    return {CellVerdict::passed, "a sequence in two stretches gives what it gives in one"};
}

template <class T>
Found CellBehaviour<T>::plain_operations() const {
    return judged(
        runs_.difference(run_, runs_.unrolled(batch_, {}, {.fuse = false, .watch = false}),
                         {"fused", "in plain operations"}, way_rounding<T>),
        "give the same values and gradients",
        "the function given to map must do the same for numbers and for Vars, without branches on values");
}

template class CellBehaviour<float>;
template class CellBehaviour<double>;

}  // namespace tapeloop::nn::detail
