#include <nn/check/bptt/forward_mode.hpp>
#include <nn/closed_form/loops.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

/// The layout of a row of ds/dtheta: the parameters, the inputs of every time step, the initial state.
template <class T>
struct Columns {
    std::size_t parameters = 0;
    std::size_t step_input = 0;  ///< of one time step
    std::size_t inputs = 0;
    std::size_t state = 0;

    Columns(const CellUnderCheck<T>& cell, const CellSequence<T>& run) {
        for (const auto& entry : cell.parameters) parameters += entry.parameter->value().size();
        for (const Tensor<T>& part : run.initial_state) state += part.size();
        inputs = run.x.size();
        step_input = inputs / run.x.shape(0);
    }
    std::size_t count() const { return parameters + inputs + state; }
    std::size_t input(std::size_t t) const { return parameters + t * step_input; }
    std::size_t initial_state() const { return parameters + inputs; }
};

template <class T>
double* append(double* to, const std::vector<Tensor<T>>& tensors) {
    for (const Tensor<T>& tensor : tensors) to = std::copy_n(tensor.data(), tensor.size(), to);
    return to;
}

/// The next elements of a row as a tensor.
template <class T>
Tensor<double> take(const double*& from, const Tensor<T>& like) {
    Tensor<double> tensor = uninitialised<double>(shape_of(like));
    std::copy_n(from, tensor.size(), tensor.data());
    from += tensor.size();
    return tensor;
}

double largest_sum(const std::vector<double>& sums, std::size_t& next, std::size_t size) {
    double largest = 0;
    for (const std::size_t end = next + size; next < end; ++next) largest = std::max(largest, sums[next]);
    return largest;
}

/// ds(t)/dtheta for growing t, and the gradient as far as it is known.
template <class T>
class Recursion {
  public:
    Recursion(const CellUnderCheck<T>& cell, const TapeRun<T>& tape)
        : cell_(cell),
          tape_(tape),
          columns_(cell, tape.run),
          carried_(columns_.state * columns_.count()),
          next_(carried_.size()),
          gradient_(columns_.count()) {
        for (std::size_t k = 0; k < columns_.state; ++k)
            carried_[k * columns_.count() + columns_.initial_state() + k] = 1;
    }

    Summands advance(std::size_t t) {
        const LoneStep<T> step(cell_, tape_.points[t]);
        StepResults<T> of_output = tape_.cotangents[t];
        for (Tensor<T>& part : of_output.state) part.fill(T(0));
        const StepTerms<T> through_output = step.terms(of_output);
        add_row(t, through_output, gradient_.data());

        std::vector<double> sums(columns_.parameters + columns_.step_input + columns_.state);
        note_row(through_output, 1, sums);
        std::fill(next_.begin(), next_.end(), 0.0);
        std::size_t row = 0;
        for (std::size_t part = 0; part < tape_.points[t].state.size(); ++part)
            for (std::size_t k = 0; k < tape_.points[t].state[part].size(); ++k, ++row) {
                const StepTerms<T> own = step.row(part, k);
                add_row(t, own, next_.data() + row * columns_.count());
                note_row(own, static_cast<double>(tape_.cotangents[t].state[part].data()[k]), sums);
            }
        carried_.swap(next_);
        return summands(sums);
    }

    StepTerms<double> finish() {
        std::vector<double> weights(columns_.state);
        append(weights.data(), tape_.run.final_state);
        add_carried(weights.data(), gradient_.data());
        const double* next = gradient_.data();
        StepTerms<double> total;
        for (const auto& entry : cell_.parameters)
            total.parameters.push_back(take(next, entry.parameter->value()));
        total.x = take(next, tape_.run.x);
        for (const Tensor<T>& part : tape_.run.initial_state) total.state.push_back(take(next, part));
        return total;
    }

  private:
    /// Adds weights' ds/dtheta.
    void add_carried(const double* weights, double* to) const {
        const std::size_t count = columns_.count();
        for (std::size_t k = 0; k < columns_.state; ++k) {
            const double weight = weights[k];
            if (weight == 0) continue;  // most are: rows of a batch have nothing to do with each other
            const double* from = carried_.data() + k * count;
            for (std::size_t column = 0; column < count; ++column) to[column] += weight * from[column];
        }
    }
    /// Adds to a row what one step's derivatives make of it, given those of the state that the step reads.
    void add_row(std::size_t t, const StepTerms<T>& terms, double* row) const {
        std::vector<double> through_state(columns_.state);
        append(through_state.data(), terms.state);
        add_carried(through_state.data(), row);
        for (const Tensor<T>& own : terms.parameters)
            for (std::size_t i = 0; i < own.size(); ++i) *row++ += static_cast<double>(own.data()[i]);
        row += t * columns_.step_input;
        for (std::size_t i = 0; i < terms.x.size(); ++i) row[i] += static_cast<double>(terms.x.data()[i]);
    }
    /// Adds the magnitudes of a row's products.
    void note_row(const StepTerms<T>& row, double weight, std::vector<double>& sums) const {
        double* sum = sums.data();
        const auto note = [&](const Tensor<T>& tensor) {
            for (std::size_t i = 0; i < tensor.size(); ++i)
                *sum++ += std::abs(weight * static_cast<double>(tensor.data()[i]));
        };
        for (const Tensor<T>& parameter : row.parameters) note(parameter);
        note(row.x);
        for (const Tensor<T>& part : row.state) note(part);
    }
    Summands summands(const std::vector<double>& sums) const {
        Summands largest;
        std::size_t next = 0;
        for (const auto& entry : cell_.parameters)
            largest.parameters.push_back(largest_sum(sums, next, entry.parameter->value().size()));
        largest.x = largest_sum(sums, next, columns_.step_input);
        for (const Tensor<T>& part : tape_.run.initial_state)
            largest.state.push_back(largest_sum(sums, next, part.size()));
        return largest;
    }

    const CellUnderCheck<T>& cell_;
    const TapeRun<T>& tape_;
    Columns<T> columns_;
    std::vector<double> carried_;
    std::vector<double> next_;
    std::vector<double> gradient_;
};

}  // namespace

template <class T>
std::size_t carried_by_forward_mode(const CellUnderCheck<T>& cell, const CellSequence<T>& run) {
    const Columns<T> columns(cell, run);
    return columns.state * columns.count();
}

template <class T>
ForwardMode<T> forward_mode(const CellUnderCheck<T>& cell, const TapeRun<T>& tape) {
    Recursion<T> recursion(cell, tape);
    ForwardMode<T> result;
    for (std::size_t t = 0; t < tape.points.size(); ++t) result.summands.push_back(recursion.advance(t));
    result.total = recursion.finish();
    return result;
}

template std::size_t carried_by_forward_mode(const CellUnderCheck<float>&, const CellSequence<float>&);
template std::size_t carried_by_forward_mode(const CellUnderCheck<double>&, const CellSequence<double>&);
template ForwardMode<float> forward_mode(const CellUnderCheck<float>&, const TapeRun<float>&);
template ForwardMode<double> forward_mode(const CellUnderCheck<double>&, const TapeRun<double>&);

}  // namespace tapeloop::nn::detail
