#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/cell/cell_gradients.hpp>
#include <nn/check/cell/cell_items.hpp>
#include <nn/check/cell/cell_parameters.hpp>
#include <nn/check/cell/death.hpp>
#include <nn/check/input_names.hpp>
#include <nn/closed_form/loops.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

/// Returns the largest difference by rounding between two ways to the same numbers.
template <class T>
inline constexpr double rounding = sizeof(T) == sizeof(double) ? 1e-9 : 1e-3;

constexpr std::string_view not_in_state =
    "what one call leaves behind for the next must be in the state, "
    "not in a mutable member, a static variable or a generator";
constexpr std::string_view no_single_steps = "it reads whole sequences and has no single step";

std::string text_of(const std::vector<Shape>& shapes) {
    std::string text;
    for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + shape.text();
    return text.empty() ? "nothing" : text;
}

bool all_zero(const Tensor<double>& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return element == 0; });
}

}  // namespace

template <class T>
CellItems<T>::CellItems(CellReport& report, CellUnderCheck<T>& subject, const Tensor<T>& x,
                        const StartingState& start, const CheckOptions& options)
    : report_(report),
      subject_(subject),
      options_(options),
      start_(start),
      runs_{subject},
      x_(x),
      random_(report.seed + 2) {}

template <class T>
void CellItems<T>::add(std::string name, const std::function<Found()>& item) {
    Found found;
    try {
        found = item();
    } catch (const std::exception& error) {
        found = {CellVerdict::failed, fmt::format("it throws: {}", error.what())};
    } catch (...) {
        found = {CellVerdict::failed, "it throws what is no std::exception"};
    }
    report_.items.push_back({std::move(name), found.verdict, std::move(found.text)});
}

/// An item in which there is nothing to read, so that reading it may end the program.
template <class T>
void CellItems<T>::add_of_nothing(std::string name, std::string_view nothing,
                                  const std::function<Found()>& item) {
    const std::string death = may_end_the_program_ ? death_in([&] { item(); }) : "";
    if (death.empty()) return add(std::move(name), item);
    report_.items.push_back(
        {std::move(name), CellVerdict::failed,
         fmt::format("it would end the program ({}); does it read an element, where there are no {}?", death,
                     nothing)});
}

/// All of them in one process: most cells survive, and a process is not cheap.
template <class T>
bool CellItems<T>::items_of_nothing_end_the_program() {
    const std::string death = death_in([this] {
        for (const auto item : {&CellItems::no_time_steps, &CellItems::no_rows, &CellItems::padded_batch}) {
            try {
                (this->*item)();
            } catch (...) {  // told of when the item is run
                continue;
            }
        }
    });
    return !death.empty();
}

template <class T>
void CellItems<T>::run() {
    add("initial state", [this] { return initial_state(); });
    if (report_.passed()) add("shapes", [this] { return shapes(); });
    if (!report_.passed()) {
        report_.warnings.emplace_back(
            "the other items were not tried: they need a state and shapes that fit");
        return;
    }
    add("no state in the cell", [this] { return no_state_in_the_cell(); });
    add("same bits", [this] { return same_bits(); });
    add("parameters", [this] { return parameters(); });
    add("step by step", [this] { return step_by_step(); });
    may_end_the_program_ = items_of_nothing_end_the_program();
    add_of_nothing("T = 0", "time steps", [this] { return no_time_steps(); });
    add("T = 1", [this] { return one_time_step(); });
    add_of_nothing("B = 0", "rows", [this] { return no_rows(); });
    add_of_nothing("padded batch", "time steps", [this] { return padded_batch(); });
    add("permuted batch", [this] { return permuted_batch(); });
    add("save and restore", [this] { return save_and_restore(); });
    add("map and plain operations", [this] { return plain_operations(); });
    add_gradients();
}

template <class T>
Found CellItems<T>::judged(const std::string& difference, std::string text, std::string_view advice) {
    if (difference.empty()) return {CellVerdict::passed, std::move(text)};
    const bool is_of_values = !difference.starts_with("gradient by");
    return {CellVerdict::failed,
            fmt::format("{}; {}", difference,
                        is_of_values ? advice : "the values agree, so a rule is wrong: see the gradients")};
}

/// The start that the options ask for, and random cotangents.
template <class T>
Batch<T> CellItems<T>::random_batch(const Tensor<T>& x) {
    const Tape<T> tape;
    const auto weights = [&](const Shape& shape) {
        Tensor<T> result = uninitialised<T>(shape);
        for (T& element : result) element = static_cast<T>(random_.weight());
        return result;
    };
    Batch<T> batch;
    batch.x = x;
    State state;
    const State initial = subject_.layer.initial_state(batch.size());
    const std::vector<Tensor<T>> offsets = offsets_from(initial, start_, "check_cell", random_);
    for (std::size_t k = 0; k < initial.size(); ++k) {
        batch.state.push_back(moved(initial[k], input(offsets[k])).value());
        state.push_back(input(batch.state.back()));
        // A part without a batch is every row's; handed on, it would get its cotangent from each.
        const bool is_batched = runs_.is_batched[k];
        const Shape shape = state.back().shape();
        batch.state_cotangents.push_back(is_batched ? weights(shape) : zeros<T>(shape));
    }
    batch.output_cotangent = weights(unroll(subject_.layer, x, state).outputs.shape());
    return batch;
}

template <class T>
Found CellItems<T>::initial_state() {
    const Tape<T> tape;
    const std::size_t size = x_.shape(1);
    const State of_batch = subject_.layer.initial_state(size);
    const State of_one = subject_.layer.initial_state(1);
    state_shapes_ = shapes_of(of_batch);
    runs_.state_names = state_names(state_shapes_.size());
    const std::vector<Shape> more = shapes_of(subject_.layer.initial_state(size + 1));
    for (std::size_t k = 0; k < state_shapes_.size(); ++k) {
        const Shape& shape = state_shapes_[k];
        const bool is_fixed = more[k] == shape;
        if (!is_fixed && (shape.rank() == 0 || shape[0] != size || more[k][0] != size + 1))
            return {CellVerdict::failed,
                    fmt::format(
                        "{} is {} for a batch of {} and {} for one of {}; its first axis must be the batch",
                        runs_.state_names[k], shape.text(), size, more[k].text(), size + 1)};
        runs_.is_batched.push_back(!is_fixed);
        if (is_open(shape)) open_.push_back(k);
        if (is_fixed) continue;
        const Tensor<T> value = of_batch[k].value();
        for (std::size_t row = 0; row < size; ++row)
            if (taken(value, 0, {row}) != of_one[k].value())
                return {CellVerdict::failed,
                        fmt::format("row {} of {} starts from other values than a row alone; "
                                    "every row must start alike",
                                    row, runs_.state_names[k])};
    }
    return {CellVerdict::passed, text_of(state_shapes_)};
}

template <class T>
Found CellItems<T>::shapes() {
    if (subject_.has_step && subject_.unrolls_itself) {
        const Tape<T> tape;
        try {
            subject_.layer.step(input(zeros<T>({x_.shape(1), x_.shape(2)})),
                                subject_.layer.initial_state(x_.shape(1)));
        } catch (const std::invalid_argument&) {  // a mistake, which the unrolling will meet
        } catch (const std::logic_error&) {
            subject_.has_step = false;
        }
    }
    batch_ = random_batch(x_);
    run_ = runs_.unrolled(batch_);
    const Shape outputs = shape_of(run_.outputs);
    if (outputs.rank() < 2 || outputs[0] != x_.shape(0) || outputs[1] != x_.shape(1))
        return {CellVerdict::failed,
                fmt::format("the outputs are {}; a step must give [B, ..] for each of {} rows, as x has them",
                            outputs.text(), x_.shape(1))};
    std::string text = fmt::format("outputs {}, and the state keeps its shape", outputs.text());
    for (std::size_t k : open_) {
        text += fmt::format("; {} is open", runs_.state_names[k]);
        if (batch_.state[k].size() == 0)
            report_.warnings.push_back(fmt::format(
                "{} is {} at the start, so nothing that reads it was checked; `random_initial_state` opens "
                "it, and so does an `initial_state`",
                runs_.state_names[k], shape_of(batch_.state[k]).text()));
    }
    return {CellVerdict::passed, std::move(text)};
}

template <class T>
Found CellItems<T>::no_state_in_the_cell() {
    std::vector<std::size_t> steps = range(0, batch_.time_steps());
    std::reverse(steps.begin(), steps.end());
    std::vector<std::size_t> rows = range(0, batch_.size());
    rows.push_back(0);
    const Batch<T> other = runs_.part(batch_, steps, rows);
    runs_.unrolled(other);
    std::string found =
        runs_.difference(run_, runs_.unrolled(batch_), {"at first", "after another sequence"}, 0);
    if (found.empty() && subject_.has_step) {
        const CellRun alone = runs_.stepped(batch_);
        found = runs_.difference(alone, runs_.alternated(batch_, other, alone),
                                 {"alone", "with steps of another sequence in between"}, 0);
        if (found.empty())
            found = runs_.difference(alone, runs_.interrupted(batch_, other, alone),
                                     {"alone", "with another tape in between"}, 0);
    }
    return judged(found,
                  subject_.has_step
                      ? "sequences that alternate, on one tape and on two, do not disturb each other"
                      : "a sequence gives the same after another one",
                  not_in_state);
}

template <class T>
Found CellItems<T>::same_bits() {
    const CellRun first = runs_.unrolled(batch_);
    return judged(runs_.difference(first, runs_.unrolled(batch_), {"at first", "again"}, 0),
                  "values and gradients are the same to the last bit", not_in_state);
}

template <class T>
Found CellItems<T>::parameters() {
    const std::string wrong = mistake_of_parameters(subject_, batch_);
    if (!wrong.empty()) return {CellVerdict::failed, wrong};
    const ParameterList<T> listed = subject_.layer.parameters();
    std::string text = fmt::format("{} listed, and each is read", listed.size());
    if (const std::size_t again = listed.size() - subject_.parameters.size(); again != 0)
        text += fmt::format("; {} of them again, by another name, and checked once", again);
    return {CellVerdict::passed, std::move(text)};
}

template <class T>
Found CellItems<T>::step_by_step() {
    if (!subject_.has_step) return {CellVerdict::not_applicable, std::string(no_single_steps)};
    return judged(
        runs_.difference(run_, runs_.stepped(batch_), {"by unroll", "step by step"}, rounding<T>),
        "gives what unroll gives",
        "project must give for a whole sequence what it gives for each time step, and step may depend on "
        "its input and its state alone");
}

/// Compares one row of a padded batch with the row run alone, and adds its gradients by parameters to `sum`.
template <class T>
std::string CellItems<T>::row_alone(const Batch<T>& padded, const CellRun& whole, std::size_t row,
                                    std::size_t length, CellRun& sum) {
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
    return runs_.difference_of_rows(runs_.part(whole, steps, {row}), alone, {names, "alone"}, rounding<T>);
}

template <class T>
Found CellItems<T>::padded_batch() {
    for (std::size_t k = 0; k < state_shapes_.size(); ++k)
        if (state_shapes_[k].rank() == 0)
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
                                         rounding<T>);
    return judged(
        found, fmt::format("gives what its rows give alone, of lengths {}", fmt::join(options.lengths, ", ")),
        "a row may depend on no other row and on nothing behind its end");
}

template <class T>
Found CellItems<T>::permuted_batch() {
    const std::vector<std::size_t> steps = range(0, batch_.time_steps());
    std::vector<std::size_t> order = range(1, batch_.size());
    order.push_back(0);
    const CellRun permuted = runs_.unrolled(runs_.part(batch_, steps, order));
    return judged(runs_.difference(runs_.part(run_, steps, order), permuted,
                                   {"in the first order of rows", "in another one"}, rounding<T>),
                  "gives what the batch gives, permuted", "a row may not depend on its place in the batch");
}

template <class T>
Found CellItems<T>::no_time_steps() {
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
Found CellItems<T>::one_time_step() {
    const Batch<T> first = runs_.part(batch_, {0}, range(0, batch_.size()));
    const CellRun run = runs_.unrolled(first);
    if (!subject_.has_step)
        return {CellVerdict::passed, fmt::format("outputs {}", shape_of(run.outputs).text())};
    return judged(runs_.difference(run, runs_.stepped(first), {"by unroll", "by a step"}, rounding<T>),
                  "gives what a step gives", "unroll of one time step must be a step");
}

template <class T>
Found CellItems<T>::no_rows() {
    const std::vector<std::size_t> steps = range(0, batch_.time_steps());
    const CellRun run = runs_.unrolled(runs_.part(batch_, steps, {}));
    CellRun expected = runs_.part(run_, steps, {});
    runs_.clear_sums(expected);
    return judged(runs_.difference(expected, run, {"without rows", "with B = 0"}, 0),
                  fmt::format("outputs {}, gradients 0", shape_of(run.outputs).text()),
                  "a batch without rows must have outputs without rows and gradients of 0");
}

template <class T>
Found CellItems<T>::save_and_restore() {
    if (!subject_.has_step) return {CellVerdict::not_applicable, std::string(no_single_steps)};
    const std::vector<std::size_t> rows = range(0, batch_.size());
    for (std::size_t k = 1; k < batch_.time_steps(); ++k) {
        const CellRun in_one = runs_.part(run_, range(k, batch_.time_steps()), rows);
        const std::string found =
            runs_.difference(in_one, runs_.resumed(batch_, k, in_one),
                             {"in one go", fmt::format("resumed behind t={}", k - 1)}, rounding<T>);
        if (!found.empty()) return judged(found, "", not_in_state);
    }
    return {CellVerdict::passed, "a sequence in two stretches gives what it gives in one"};
}

template <class T>
Found CellItems<T>::plain_operations() {
    return judged(
        runs_.difference(run_, runs_.unrolled(batch_, {}, {.fuse = false, .watch = false}),
                         {"fused", "in plain operations"}, rounding<T>),
        "give the same values and gradients",
        "the function given to map must do the same for numbers and for Vars, without branches on values");
}

template <class T>
void CellItems<T>::add_gradients() {
    CellGradients<T> gradients(runs_, batch_, options_);
    const bool is_function = report_["no state in the cell"].verdict == CellVerdict::passed &&
                             report_["same bits"].verdict == CellVerdict::passed;
    const auto add_one = [&](std::string name, const std::function<Found()>& item) {
        if (is_function)
            add(std::move(name), item);
        else
            report_.items.push_back({std::move(name), CellVerdict::not_applicable,
                                     "not tried: the cell keeps something between calls"});
    };
    add_one("gradient of x", [&] { return gradients.of({"x"}); });
    add_one("gradient of the initial state", [&] { return gradients.of(runs_.state_names); });
    add_one("gradient of the parameters", [&] { return gradients.of(subject_.parameter_names); });
    if (options_.order == 2) add_one("second order", [&] { return gradients.second_order(); });
    report_.gradient = gradients.report();
}

template class CellItems<float>;
template class CellItems<double>;

}  // namespace tapeloop::nn::detail
