#include <fmt/format.h>
#include <nn/check/cell/cell_gradients.hpp>
#include <nn/check/cell/cell_items.hpp>
#include <nn/check/cell/cell_parameters.hpp>
#include <nn/check/cell/death.hpp>
#include <nn/check/cell/long_sequence.hpp>
#include <nn/check/input_names.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

std::string text_of(const std::vector<Shape>& shapes) {
    std::string text;
    for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + shape.text();
    return text.empty() ? "nothing" : text;
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
      random_(report.seed + 2),
      behaviour_(runs_, batch_, run_) {}

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
        using Items = CellBehaviour<T>;
        for (const auto item : {&Items::no_time_steps, &Items::no_rows, &Items::padded_batch}) {
            try {
                (behaviour_.*item)();
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
    add("no state in the cell", [this] { return behaviour_.no_state_in_the_cell(); });
    add("same bits", [this] { return behaviour_.same_bits(); });
    add("parameters", [this] { return parameters(); });
    add("step by step", [this] { return behaviour_.step_by_step(); });
    may_end_the_program_ = items_of_nothing_end_the_program();
    add_of_nothing("T = 0", "time steps", [this] { return behaviour_.no_time_steps(); });
    add("T = 1", [this] { return behaviour_.one_time_step(); });
    add_of_nothing("B = 0", "rows", [this] { return behaviour_.no_rows(); });
    add_of_nothing("padded batch", "time steps", [this] { return behaviour_.padded_batch(); });
    add("permuted batch", [this] { return behaviour_.permuted_batch(); });
    add("save and restore", [this] { return behaviour_.save_and_restore(); });
    add("map and plain operations", [this] { return behaviour_.plain_operations(); });
    add_gradients();
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
    runs_.sizes = runs_.sizes_of(batch_, run_);
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
Found CellItems<T>::parameters() {
    const std::string wrong = mistake_of_parameters(subject_, batch_);
    if (!wrong.empty()) return {CellVerdict::failed, wrong};
    const ParameterList<T> listed = subject_.layer.parameters();
    std::string text = fmt::format("{} listed, and each is read", listed.size());
    if (const std::size_t again = listed.size() - subject_.parameters.size(); again != 0)
        text += fmt::format("; {} of them again, by another name, and checked once", again);
    return {CellVerdict::passed, std::move(text)};
}

/// What the cell does at the state that training starts from, such as zeros: the others have moved it.
template <class T>
Found CellItems<T>::own_start() {
    if (!start_.is_random || !start_.given.empty())
        return {CellVerdict::not_applicable, "not tried: the options say where to start"};
    if (!report_.gradient.passed())
        return {CellVerdict::not_applicable, "not tried: gradients are wrong from another start too"};
    Batch<T> own = batch_;
    {
        const Tape<T> tape;
        const State initial = subject_.layer.initial_state(own.size());
        for (std::size_t k = 0; k < initial.size(); ++k)
            if (!is_open(initial[k].shape())) own.state[k] = initial[k].value();
    }
    const std::string wrong = wrong_along_directions(runs_, own, options_);
    if (wrong.empty())
        return {CellVerdict::passed, "gradients agree with differences along directions from there too"};
    return {CellVerdict::failed,
            fmt::format("{}; from a random state everything agrees: the step fails at the cell's own "
                        "initial state, where sequences start",
                        wrong)};
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
    add_one("own start", [this] { return own_start(); });
    add_one("long sequence", [&] {
        if (!report_.gradient.passed())
            return Found{CellVerdict::not_applicable, "not tried: gradients are wrong without it"};
        return long_sequence(runs_, batch_, options_);
    });
}

template class CellItems<float>;
template class CellItems<double>;

}  // namespace tapeloop::nn::detail
