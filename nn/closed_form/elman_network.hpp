#pragma once

#include <nn/cells/elman_cell.hpp>
#include <nn/closed_form/of_cell.hpp>
#include <nn/layers/linear.hpp>

#include <algorithm>
#include <utility>

namespace tapeloop::nn {

/// The recurrent network of the textbook, o(t) = h(t) V + c behind an `ElmanCell`, as one cell, whose closed
/// form `verify_bptt` knows:
///
///     h(t) = f(x(t) U + h(t-1) W + b)          o(t) = h(t) V + c
///
/// x(t) is [B, I], the state h(t) is [B, H], the output o(t) is [B, O].
template <class T>
struct ElmanNetwork {
    ElmanCell<T> cell;
    Linear<T> output;

    /// Takes a cell and the layer behind it.
    ElmanNetwork(ElmanCell<T> given_cell, Linear<T> given_output)
        : cell(std::move(given_cell)), output(std::move(given_output)) {}
    /// Returns the same weights in another type: a network of float is verified in double.
    template <class Other>
    explicit ElmanNetwork(const ElmanNetwork<Other>& other)
        : cell(rounded(other.cell.U), rounded(other.cell.W), rounded(other.cell.b), {other.cell.activation}),
          output(rounded(other.output.V), rounded(other.output.c)) {}

    Var<T> initial_state(std::size_t batch) const { return cell.initial_state(batch); }

    Var<T> project(const Var<T>& x) const { return cell.project(x); }

    auto step(const Var<T>& u, const Var<T>& h) const {
        const Var<T> next = cell.step(u, h).second;
        return std::pair{output(next), next};
    }

    ParameterList<T> parameters() { return parameter_list(cell.U, cell.W, cell.b, output.V, output.c); }

  private:
    template <class Other>
    static Tensor<T> rounded(const Parameter<Other>& parameter) {
        Tensor<T> value = tapeloop::detail::uninitialised<T>(parameter.shape());
        std::transform(parameter.value().begin(), parameter.value().end(), value.begin(),
                       [](Other element) { return static_cast<T>(element); });
        return value;
    }
};

template <class T, std::same_as<ElmanNetwork<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& network, const CellSequence<T>& run);

}  // namespace tapeloop::nn
