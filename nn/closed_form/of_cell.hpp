#pragma once

#include <autograd/tensor.hpp>

#include <concepts>
#include <vector>

/// The closed forms as `verify_bptt` asks for them: of a cell, whatever its weights are called. For a cell of
/// your own, write the overload
///
///     std::vector<nn::StepTerms<double>> closed_form_bptt(const MyCell& cell,
///                                                         const nn::CellSequence<double>& run);
///
/// beside it, in its namespace.
namespace tapeloop::nn {

template <class T>
struct ElmanCell;
template <class T>
struct LstmCell;
template <class T>
struct GruCell;

/// The values and cotangents that BPTT of a cell starts from. A state is the list of its parts, [B, ..] each,
/// in their order.
template <class T>
struct CellSequence {
    Tensor<T> x;                           ///< [T, B, I]
    std::vector<Tensor<T>> initial_state;  ///< what time step 0 reads
    Tensor<T> outputs;                     ///< dJ by the outputs, [T, B, H]
    std::vector<Tensor<T>> final_state;    ///< dJ by the state after the last step, outputs not counted
};

/// The gradients that one time step makes of the cotangents that reach it, of its output and of the state
/// that it leaves.
template <class T>
struct StepTerms {
    std::vector<Tensor<T>> parameters;  ///< its part of each gradient, in the order of `cell.parameters()`
    Tensor<T> x;                        ///< dJ by its input, [B, I]
    std::vector<Tensor<T>> state;       ///< dJ by the state that it reads: what it hands back, by part
};

/// The terms of every time step by the closed form. A cell that derives from one of these may step otherwise
/// or have more parameters, so it has none of them. Throws `std::invalid_argument` when shapes do not fit.
template <class T, std::same_as<ElmanCell<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& cell, const CellSequence<T>& run);
template <class T, std::same_as<LstmCell<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& cell, const CellSequence<T>& run);
template <class T, std::same_as<GruCell<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& cell, const CellSequence<T>& run);

}  // namespace tapeloop::nn
