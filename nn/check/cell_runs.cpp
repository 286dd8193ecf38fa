#include <autograd/check/judge/weighted_rules.hpp>
#include <autograd/gradient.hpp>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/cell_runs.hpp>

#include <algorithm>
#include <numeric>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

using tapeloop::detail::as_double;

/// The inputs of a batch on the current tape.
template <class T>
struct Given {
    Var<T> x;
    std::vector<Var<T>> state;

    explicit Given(const Batch<T>& batch) : x(input(batch.x)) { state = resume(batch.state); }
};

template <class T>
CellRun values_of(const Var<T>& outputs, const std::vector<Var<T>>& state, const CellRun& gradients) {
    CellRun run = gradients;
    run.outputs = as_double(outputs.value());
    run.state.clear();
    for (const Var<T>& part : state) run.state.push_back(as_double(part.value()));
    return run;
}

/// A sequence that is stepped through on the current tape.
template <class T>
class Walk {
  public:
    Walk(const AnyLayer<T>& layer, const Batch<T>& batch) : layer_(layer), given_(batch) {
        inputs_ = unstack(given_.x);
        state_ = given_.state;
    }
    void step(std::size_t t) {
        auto [output, next] = layer_.step(inputs_[t], state_);
        outputs_.push_back(output);
        state_ = std::move(next);
    }
    const Given<T>& given() const { return given_; }
    Var<T> outputs() const { return stack(outputs_); }
    const std::vector<Var<T>>& state() const { return state_; }

  private:
    const AnyLayer<T>& layer_;
    Given<T> given_;
    std::vector<Var<T>> inputs_;
    std::vector<Var<T>> state_;
    std::vector<Var<T>> outputs_;
};

/// Differentiates what a run gave.
template <class T>
CellRun differentiated(const CellUnderCheck<T>& cell, const Batch<T>& batch, const Given<T>& given,
                       const Var<T>& outputs, const std::vector<Var<T>>& state) {
    CellRun run;
    run.outputs = as_double(outputs.value());
    std::vector<GradientRoot<T>> roots{{outputs, batch.output_cotangent}};
    for (std::size_t k = 0; k < state.size(); ++k) {
        run.state.push_back(as_double(state[k].value()));
        roots.push_back({state[k], batch.state_cotangents[k]});
    }
    WrtList<T> wrt{given.x};
    for (const Var<T>& part : given.state) wrt.add(part);
    for (const auto& entry : cell.parameters) wrt.add(*entry.parameter);
    const Gradients<T> gradients = gradient(roots, wrt);
    run.by_x = as_double(gradients.at(0));
    for (std::size_t k = 1; k < gradients.size(); ++k)
        (k <= state.size() ? run.by_state : run.by_parameter).push_back(as_double(gradients.at(k)));
    return run;
}

Tensors taken_rows(const std::vector<bool>& is_batched, const Tensors& parts,
                   const std::vector<std::size_t>& rows) {
    Tensors result;
    for (std::size_t k = 0; k < parts.size(); ++k)
        result.push_back(is_batched[k] ? taken(parts[k], 0, rows) : parts[k]);
    return result;
}

// No value is known better than this part of the tolerance, relative to the largest one of all.
constexpr double least_part = 1e-3;

}  // namespace

template <class T>
CellRun CellRuns<T>::unrolled(const Batch<T>& batch, const UnrollOptions& options,
                              const TapeOptions& tape_options) const {
    const Tape<T> tape(tape_options);
    const Given<T> given(batch);
    const auto unrolled = unroll(cell.layer, given.x, given.state, options);
    return differentiated(cell, batch, given, unrolled.outputs, unrolled.state);
}

template <class T>
CellRun CellRuns<T>::stepped(const Batch<T>& batch) const {
    const Tape<T> tape;
    Walk<T> walk(cell.layer, batch);
    for (std::size_t t = 0; t < batch.time_steps(); ++t) walk.step(t);
    return differentiated(cell, batch, walk.given(), walk.outputs(), walk.state());
}

template <class T>
RunSizes CellRuns<T>::sizes_of(const Batch<T>& batch, const CellRun& run) const {
    CellRun summed = run;
    try {
        // In plain operations: within a fused one nothing is weighted.
        const tapeloop::detail::WeightedRules<T> weighted(1);
        summed = unrolled(batch, {}, {.fuse = false, .watch = false});
    } catch (...) {  // told of by the item that compares these
    }
    const auto largest_in = [](const Tensor<double>& values, const Tensors& more) {
        return std::max(largest_finite({values}), largest_finite(more));
    };
    RunSizes found;
    found.values = least_part * largest_in(run.outputs, run.state);
    const double least =
        least_part * std::max(largest_in(run.by_x, run.by_state), largest_finite(run.by_parameter));
    const auto add = [least](std::vector<double>& list, const Tensors& gradients) {
        for (const Tensor<double>& one : gradients) list.push_back(std::max(least, largest_finite({one})));
    };
    found.by_x = std::max(least, largest_finite({summed.by_x}));
    add(found.by_state, summed.by_state);
    add(found.by_parameter, summed.by_parameter);
    return found;
}

template <class T>
CellRun CellRuns<T>::alternated(const Batch<T>& batch, const Batch<T>& another,
                                const CellRun& other_run) const {
    const Tape<T> tape;
    Walk<T> walk(cell.layer, batch);
    Walk<T> beside(cell.layer, another);
    for (std::size_t t = 0; t < batch.time_steps(); ++t) {
        walk.step(t);
        beside.step(t);
    }
    return values_of(walk.outputs(), walk.state(), other_run);
}

template <class T>
CellRun CellRuns<T>::interrupted(const Batch<T>& batch, const Batch<T>& another,
                                 const CellRun& other_run) const {
    const Tape<T> tape;
    Walk<T> walk(cell.layer, batch);
    for (std::size_t t = 0; t < batch.time_steps(); ++t) {
        if (t == 1) stepped(another);
        walk.step(t);
    }
    return values_of(walk.outputs(), walk.state(), other_run);
}

template <class T>
CellRun CellRuns<T>::resumed(const Batch<T>& batch, std::size_t steps, const CellRun& other_run) const {
    const std::vector<std::size_t> rows = range(0, batch.size());
    Batch<T> rest = part(batch, range(steps, batch.time_steps()), rows);
    {
        const Tape<T> tape;
        const Given<T> given(part(batch, range(0, steps), rows));
        rest.state = carry(unroll(cell.layer, given.x, given.state).state);
    }
    CellRun run = unrolled(rest);
    run.by_state = other_run.by_state;
    run.by_parameter = other_run.by_parameter;
    return run;
}

template <class T>
Tensor<T> taken(const Tensor<T>& x, std::size_t axis, const std::vector<std::size_t>& which) {
    const Shape shape = shape_of(x);
    std::vector<std::size_t> extents(shape.begin(), shape.end());
    const auto product = [&](std::size_t from, std::size_t to) {
        return std::accumulate(extents.begin() + static_cast<std::ptrdiff_t>(from),
                               extents.begin() + static_cast<std::ptrdiff_t>(to), std::size_t(1),
                               std::multiplies<>());
    };
    const std::size_t outer = product(0, axis);
    const std::size_t inner = product(axis + 1, extents.size());
    extents[axis] = which.size();
    Tensor<T> result = uninitialised<T>(Shape(extents));
    T* to = result.data();
    for (std::size_t o = 0; o < outer; ++o)
        for (std::size_t i : which) to = std::copy_n(x.data() + (o * shape[axis] + i) * inner, inner, to);
    return result;
}

std::vector<std::size_t> range(std::size_t begin, std::size_t end) {
    std::vector<std::size_t> all(end - begin);
    std::iota(all.begin(), all.end(), begin);
    return all;
}

template <class T>
Batch<T> CellRuns<T>::part(const Batch<T>& batch, const std::vector<std::size_t>& steps,
                           const std::vector<std::size_t>& rows) const {
    Batch<T> part;
    part.x = taken(taken(batch.x, 0, steps), 1, rows);
    part.output_cotangent = taken(taken(batch.output_cotangent, 0, steps), 1, rows);
    for (std::size_t k = 0; k < batch.state.size(); ++k) {
        const bool batched = is_batched[k];
        part.state.push_back(batched ? taken(batch.state[k], 0, rows) : batch.state[k]);
        part.state_cotangents.push_back(batched ? taken(batch.state_cotangents[k], 0, rows)
                                                : batch.state_cotangents[k]);
    }
    return part;
}

template <class T>
CellRun CellRuns<T>::part(const CellRun& run, const std::vector<std::size_t>& steps,
                          const std::vector<std::size_t>& rows) const {
    return {taken(taken(run.outputs, 0, steps), 1, rows), taken_rows(is_batched, run.state, rows),
            taken(taken(run.by_x, 0, steps), 1, rows), taken_rows(is_batched, run.by_state, rows),
            run.by_parameter};
}

template struct CellRuns<float>;
template struct CellRuns<double>;
template Tensor<float> taken(const Tensor<float>&, std::size_t, const std::vector<std::size_t>&);
template Tensor<double> taken(const Tensor<double>&, std::size_t, const std::vector<std::size_t>&);

}  // namespace tapeloop::nn::detail
