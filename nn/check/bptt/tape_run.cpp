#include <autograd/check/judge/random.hpp>
#include <autograd/ops/join.hpp>
#include <nn/check/bptt/separate_steps.hpp>
#include <nn/check/bptt/tape_run.hpp>
#include <nn/check/starting_state.hpp>
#include <nn/closed_form/loops.hpp>

#include <algorithm>
#include <tuple>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

/// Takes gradients off one by one, in the order in which they were asked for.
template <class T>
class Taken {
  public:
    explicit Taken(const Gradients<T>& gradients) : gradients_(gradients) {}
    Tensor<T> one() { return gradients_.at(next_++); }
    std::vector<Tensor<T>> several(std::size_t count) {
        std::vector<Tensor<T>> list;
        for (std::size_t k = 0; k < count; ++k) list.push_back(one());
        return list;
    }

  private:
    const Gradients<T>& gradients_;
    std::size_t next_ = 0;
};

template <class T>
std::vector<Tensor<T>> values_of(const Parts<T>& parts) {
    std::vector<Tensor<T>> values;
    for (const Var<T>& part : parts) values.push_back(part.value());
    return values;
}

/// The loss's results with a weight for each of their elements, the same on every tape. One element has the
/// weight 1, so that what is reported is the gradient of the loss as it is.
template <class T>
std::vector<GradientRoot<T>> weighted(const std::vector<Var<T>>& results, std::uint64_t seed) {
    tapeloop::detail::CheckRandom random(seed);
    std::vector<GradientRoot<T>> roots;
    for (const Var<T>& result : results) {
        Tensor<T> weights = uninitialised<T>(result.shape());
        for (T& weight : weights) weight = weights.size() == 1 ? T(1) : static_cast<T>(random.weight());
        roots.push_back({result, std::move(weights)});
    }
    return roots;
}

/// A list as a state on the current tape.
template <class T>
Parts<T> entered(const std::vector<Tensor<T>>& state) {
    Parts<T> parts;
    for (const Tensor<T>& part : state) parts.push_back(input(part));
    return parts;
}

template <class T>
void add_all(WrtList<T>& wrt, const Parts<T>& parts) {
    for (const Var<T>& part : parts) wrt.add(part);
}

template <class T>
WrtList<T> by_parameters(const CellUnderCheck<T>& cell) {
    WrtList<T> wrt{std::vector<Wrt<T>>()};
    for (const auto& entry : cell.parameters) wrt.add(*entry.parameter);
    return wrt;
}

template <class T>
void run_as_usual(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss,
                  const std::vector<Tensor<T>>& offsets, std::uint64_t seed, TapeRun<T>& result) {
    Tape<T> tape;
    const Var<T> x = input(result.run.x);
    const Parts<T> initial = start_of(cell, x.shape()[1], entered(offsets));
    result.run.initial_state = values_of(initial);
    const auto unrolled = unroll(cell.layer, x, initial);
    result.results = {unrolled.outputs.value(), values_of(unrolled.state)};
    WrtList<T> wrt = by_parameters(cell);
    wrt.add(x);
    add_all(wrt, initial);
    const std::vector<Var<T>> results = loss(unrolled.outputs, unrolled.state);
    if (results.size() == 1 && results[0].shape().size() == 1) result.loss = results[0].item();
    const Gradients<T> gradients = gradient(weighted(results, seed), wrt);
    Taken<T> taken(gradients);
    result.total.parameters = taken.several(cell.parameters.size());
    result.total.x = taken.one();
    result.total.state = taken.several(initial.size());
}

/// dJ by the outputs and the final state, as leaves of the loss alone, and by the parameters that it uses
/// itself.
template <class T>
void run_loss(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, std::uint64_t seed,
              TapeRun<T>& result) {
    Tape<T> tape;
    const Var<T> y = input(result.results.output);
    const Parts<T> state = entered(result.results.state);
    WrtList<T> wrt = by_parameters(cell);
    wrt.add(y);
    add_all(wrt, state);
    const Gradients<T> gradients = gradient(weighted(loss(y, state), seed), wrt);
    Taken<T> taken(gradients);
    result.of_loss = taken.several(cell.parameters.size());
    result.run.outputs = taken.one();
    result.run.final_state = taken.several(state.size());
}

/// Collects what every time step reads, gives, gets and makes of it. The loss is not asked here: it may use a
/// parameter that is a copy now.
template <class T>
void run_separate_steps(const CellUnderCheck<T>& cell, TapeRun<T>& result) {
    const std::size_t steps = result.run.x.shape(0);
    ParametersOfEachStep<T> parameters(cell.parameters);
    Tape<T> tape;
    const Var<T> x = input(result.run.x);
    const Parts<T> initial = entered(result.run.initial_state);
    const auto unrolled = unroll(CellOfSeparateSteps<T>{cell.layer, parameters}, x, initial, {.trace = true});
    WrtList<T> wrt{x};
    add_all(wrt, initial);
    for (const Parts<T>& after : unrolled.trace) add_all(wrt, after);
    for (const auto& own : parameters.time_steps())
        for (const Wrt<T>& parameter : own) wrt.add(parameter);
    std::vector<GradientRoot<T>> roots{{unrolled.outputs, result.run.outputs}};
    for (std::size_t k = 0; k < initial.size(); ++k)
        roots.push_back({unrolled.state[k], result.run.final_state[k]});
    const Gradients<T> gradients = gradient(roots, wrt);
    const Tensor<T> outputs = unrolled.outputs.value();

    Taken<T> taken(gradients);
    const Tensor<T> d_x = taken.one();
    std::vector<Tensor<T>> handed_back = taken.several(initial.size());
    std::vector<Tensor<T>> before = result.run.initial_state;
    for (std::size_t t = 0; t < steps; ++t) {
        result.points.push_back({closed_form::time_step_of(result.run.x, t), before});
        before = values_of(unrolled.trace[t]);
        result.values.push_back({closed_form::time_step_of(outputs, t), before});
        result.terms.push_back({{}, closed_form::time_step_of(d_x, t), std::move(handed_back)});
        handed_back = taken.several(initial.size());
        result.cotangents.push_back({closed_form::time_step_of(result.run.outputs, t), handed_back});
    }
    for (StepTerms<T>& terms : result.terms) terms.parameters = taken.several(cell.parameters.size());
}

}  // namespace

template <class T>
Parts<T> start_of(const CellUnderCheck<T>& cell, std::size_t batch, const Parts<T>& offsets) {
    Parts<T> start = cell.layer.initial_state(batch);
    for (std::size_t k = 0; k < start.size(); ++k) start[k] = moved(start[k], offsets.at(k));
    return start;
}

template <class T, class Other>
void add_outside_of_steps(const CellUnderCheck<T>& cell, const TapeRun<T>& run, StepTerms<Other>& total) {
    const auto add = [&total](std::size_t k, const Tensor<T>& more) {
        for (std::size_t i = 0; i < more.size(); ++i) total.parameters[k].data()[i] += more.data()[i];
    };
    for (std::size_t k = 0; k < total.parameters.size(); ++k) add(k, run.of_loss[k]);
    const Tape<T> tape;
    const Parts<T> start = cell.layer.initial_state(run.run.x.shape(1));
    std::vector<GradientRoot<T>> roots;
    for (std::size_t k = 0; k < start.size(); ++k) {
        const Tensor<Other>& of_part = total.state[k];
        if (start[k].shape() != shape_of(of_part)) continue;  // it is open, and was given something else
        Tensor<T> cotangent = uninitialised<T>(start[k].shape());
        std::transform(of_part.begin(), of_part.end(), cotangent.begin(),
                       [](Other element) { return static_cast<T>(element); });
        roots.push_back({start[k], std::move(cotangent)});
    }
    if (roots.empty()) return;
    const Gradients<T> gradients = gradient(roots, by_parameters(cell));
    for (std::size_t k = 0; k < total.parameters.size(); ++k) add(k, gradients.at(k));
}

template <class T>
TapeRun<T> run_tape(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                    const std::vector<Tensor<T>>& offsets, std::uint64_t seed) {
    TapeRun<T> result;
    result.run.x = x;
    run_as_usual(cell, loss, offsets, seed, result);
    run_loss(cell, loss, seed, result);
    run_separate_steps(cell, result);
    return result;
}

template <class T>
LoneStep<T>::LoneStep(const CellUnderCheck<T>& cell, const StepPoint<T>& point)
    : cell_(cell), tape_(std::make_unique<Tape<T>>()), x_(input(point.x)), state_(entered(point.state)) {
    std::tie(output_, next_) = first_step(cell, x_, state_);
}

template <class T>
StepResults<T> LoneStep<T>::values() const {
    return {output_.value(), values_of(next_)};
}

template <class T>
std::size_t LoneStep<T>::computed() const {
    std::size_t elements = 0;
    for (NodeIndex node = 0; node < tape_->size(); ++node) elements += tape_->node(node).shape.size();
    return elements;
}

template <class T>
StepTerms<T> LoneStep<T>::terms(const StepResults<T>& cotangents) const {
    std::vector<GradientRoot<T>> roots{{output_, cotangents.output}};
    for (std::size_t k = 0; k < next_.size(); ++k) roots.push_back({next_[k], cotangents.state[k]});
    return differentiate(roots);
}

template <class T>
StepTerms<T> LoneStep<T>::row(std::size_t part, std::size_t index) const {
    Tensor<T> one = tapeloop::detail::zeros<T>(next_[part].shape());
    one.data()[index] = 1;
    return differentiate({{next_[part], std::move(one)}});
}

template <class T>
StepTerms<T> LoneStep<T>::differentiate(const std::vector<GradientRoot<T>>& roots) const {
    WrtList<T> wrt = by_parameters(cell_);
    wrt.add(x_);
    add_all(wrt, state_);
    const Gradients<T> gradients = gradient(roots, wrt);
    Taken<T> taken(gradients);
    StepTerms<T> terms;
    terms.parameters = taken.several(cell_.parameters.size());
    terms.x = taken.one();
    terms.state = taken.several(state_.size());
    return terms;
}

template TapeRun<float> run_tape(const CellUnderCheck<float>&, const BpttLoss<float>&, const Tensor<float>&,
                                 const std::vector<Tensor<float>>&, std::uint64_t);
template TapeRun<double> run_tape(const CellUnderCheck<double>&, const BpttLoss<double>&,
                                  const Tensor<double>&, const std::vector<Tensor<double>>&, std::uint64_t);
template Parts<float> start_of(const CellUnderCheck<float>&, std::size_t, const Parts<float>&);
template Parts<double> start_of(const CellUnderCheck<double>&, std::size_t, const Parts<double>&);
template void add_outside_of_steps(const CellUnderCheck<float>&, const TapeRun<float>&, StepTerms<float>&);
template void add_outside_of_steps(const CellUnderCheck<float>&, const TapeRun<float>&, StepTerms<double>&);
template void add_outside_of_steps(const CellUnderCheck<double>&, const TapeRun<double>&, StepTerms<double>&);
template class LoneStep<float>;
template class LoneStep<double>;

}  // namespace tapeloop::nn::detail
