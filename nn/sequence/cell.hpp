#pragma once

#include <nn/sequence/state.hpp>
#include <nn/sequence/unrolled.hpp>

#include <concepts>

namespace tapeloop::nn {

/// A recurrent cell is any type with these members; nothing is inherited and nothing is registered.
///
///     State initial_state(std::size_t batch) const;
///         What h(0) is when nobody gives one: a Var<T> [batch, H] on the current tape, or a std::pair,
///         tuple, array or vector of states: `return input(zeros<T>({batch, H}));`
///     std::pair<Var<T>, State> step(const Var<T>& input, const State& state) const;
///         One time step of a batch: the output, and the state that the next step gets. It never sees a
///         missing state, and it keeps nothing: whatever one step hands to the next is in the state.
///     Var<T> project(const Var<T>& x) const;
///         Optional: the part that does not depend on the state, such as x U + b, for any number of axes in
///         front of the last. `unroll` calls it once for all time steps, [T, B, I] to [T, B, G], and `step`
///         then gets a row of its result, [B, G], as its input.
///     ParameterList<T> parameters();
///         What is trained: `return parameter_list(U, W, b);`
///
/// Every part of a state has the batch as its first axis, or is handed on as it is. An axis behind the first
/// that is 0 in the initial state is open: a given state may have any extent there. `static_assert(nn::Cell<
/// MyCell>)` beside a cell checks the first three, and `unroll` says in words what is missing.
///
/// A layer that needs a whole sequence, such as one that reads it in both directions, has instead of `step`
///
///     Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions& options) const;
///
/// and x is [T, B, I]. A cell may have both: a stack of cells then unrolls layer by layer, and still steps.

namespace detail {

template <class C>
concept HasInitialState = requires(const C& cell, std::size_t batch) {
    cell.initial_state(batch);
};

template <class C>
struct InitialState {
    using type = void;
};
template <HasInitialState C>
struct InitialState<C> {
    using type = std::remove_cvref_t<decltype(std::declval<const C&>().initial_state(std::size_t()))>;
};

template <class C>
using InitialStateOf = typename InitialState<C>::type;

// The T of a cell; a cell whose state has no Var says it as its `value_type`.
template <class C>
struct CellValue : StateValue<InitialStateOf<C>> {};
template <class C>
requires(!has_value<InitialStateOf<C>> && requires { typename C::value_type; }) struct CellValue<C> {
    using type = typename C::value_type;
};
template <class C>
using CellValueOf = typename CellValue<C>::type;

template <class C>
concept GivesState = is_state<InitialStateOf<C>, CellValueOf<C>>;

template <class C>
concept HasStep = requires(const C& cell, const Var<CellValueOf<C>>& input, const InitialStateOf<C>& state) {
    cell.step(input, state);
};

template <class C>
concept StepGivesPair = requires(const C& cell, const Var<CellValueOf<C>>& input,
                                 const InitialStateOf<C>& state) {
    { cell.step(input, state).first } -> std::convertible_to<Var<CellValueOf<C>>>;
    { cell.step(input, state).second } -> std::convertible_to<InitialStateOf<C>>;
};

template <class C>
concept Projects = requires(const C& cell, const Var<CellValueOf<C>>& x) {
    { cell.project(x) } -> std::convertible_to<Var<CellValueOf<C>>>;
};

// A member of that name which does not fit would otherwise be passed over in silence.
template <class C>
concept ProjectFits = Projects<C> || !requires {
    &C::project;
};

template <class C>
concept UnrollsItself = GivesState<C> &&
    requires(const C& layer, const Var<CellValueOf<C>>& x, const InitialStateOf<C>& state,
             const UnrollOptions& options) {
    { layer.unroll(x, state, options) } -> std::same_as<Unrolled<CellValueOf<C>, InitialStateOf<C>>>;
};

// The checks of the contract, in words. A failed one switches off those behind it, so that there is one
// message.
template <class C>
struct Contract {
    static_assert(HasInitialState<C>, "not a cell: it needs `auto initial_state(std::size_t batch) const`");
    static_assert(
        GivesState<C> || !HasInitialState<C>,
        "a cell's initial_state must return a Var<T>, or a std::pair, tuple, array or vector of them, "
        "all of one T (`input(...)` makes a Var of a Tensor or a Parameter)");
    static_assert(HasStep<C> || UnrollsItself<C> || !GivesState<C>,
                  "a cell needs `auto step(const Var<T>& input, const State& state) const`, where State is "
                  "what its initial_state returns");
    static_assert(StepGivesPair<C> || !HasStep<C>,
                  "a cell's step must return std::pair{output, state}: a Var<T>, and a state of the type "
                  "that initial_state returns");
    static_assert(ProjectFits<C> || !StepGivesPair<C>,
                  "a cell's project must be `Var<T> project(const Var<T>& x) const`");

    // Something to go on with after a failed check.
    using Value = std::conditional_t<GivesState<C>, CellValueOf<C>, float>;
    using State = std::conditional_t<GivesState<C>, InitialStateOf<C>, Var<float>>;
};

}  // namespace detail

/// The T of a cell's `Var`s.
template <class C>
using ValueOf = typename detail::Contract<C>::Value;
/// What a cell hands from one time step to the next.
template <class C>
using StateOf = typename detail::Contract<C>::State;

/// What `unroll` returns for a cell or layer.
template <class C>
using UnrolledOf = Unrolled<ValueOf<C>, StateOf<C>>;

/// What `unroll` takes besides cells.
template <class C>
concept SequenceLayer = detail::UnrollsItself<C>;

/// The contract above, without words.
template <class C>
concept Cell = detail::GivesState<C> && detail::StepGivesPair<C> && detail::ProjectFits<C>;

/// A cell that lists its parameters.
template <class C>
concept TrainableCell = Cell<C> && requires(C& cell) {
    { cell.parameters() } -> std::convertible_to<ParameterList<ValueOf<C>>>;
};

/// The part of a cell's work that does not depend on the state: `cell.project(x)`, or x itself.
template <class C>
Var<ValueOf<C>> project(const C& cell, const Var<ValueOf<C>>& x) {
    if constexpr (detail::Projects<C>)
        return cell.project(x);
    else
        return x;
}

/// One time step from the plain input x [B, I]: what a wrapper or a stack calls, and a decoder that feeds its
/// own output back. Returns the pair of output and state.
template <class C>
std::pair<Var<ValueOf<C>>, StateOf<C>> advance(const C& cell, const Var<ValueOf<C>>& x,
                                               const StateOf<C>& state) {
    return cell.step(project(cell, x), state);
}

}  // namespace tapeloop::nn
