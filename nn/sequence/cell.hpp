#pragma once

#include <nn/sequence/complex_step.hpp>
#include <nn/sequence/state.hpp>
#include <nn/sequence/unrolled.hpp>

#include <concepts>

namespace tapeloop::nn {

namespace detail {

/// A recurrent cell is any type with these members; nothing is inherited and nothing is registered.
///
///     State initial_state(std::size_t batch) const;
///         What h(0) is when nobody gives one: a Var<T> [batch, H] on the current tape, or a std::pair,
///         tuple, array or vector of states: `return input(zeros<T>({batch, H}));`
///     std::pair<Var<T>, State> step(const Var<T>& input, const State& state) const;
///         One time step of a batch: the output, and the state that the next step gets. It never sees a
///         missing state, and it keeps nothing: whatever one step hands to the next is in the state.
///     Projected project(const Var<T>& x) const;
///         Optional: the part that does not depend on the state, such as x U + b, for any number of axes in
///         front of the last. `unroll` calls it once for all time steps, [T, B, I] to [T, B, G], and `step`
///         then gets a row of its result, [B, G], as its input. Several parts come as a std::pair, tuple,
///         array or vector, and `step` gets the same structure.
///     Prepared prepare() const;
///         Optional: what is made of parameters alone, such as W - Wᵀ, a normalised weight, or a weight
///         through a mask: a Var<T>, or a structure of them. It runs once per unroll, is differentiated like
///         everything else, and is handed to `step(input, state, prepared)` and, if it takes that,
///         `project(x, prepared)`. It is no part of the state: a sequence that goes on with a carried state
///         prepares anew, and so its gradient reaches the parameters in every stretch.
///     std::pair<Var<T>, Var<T>> coefficients(const Projected& input) const;
///         Instead of `step`, for a cell whose state is one Var that it carries on linearly: the a and b of
///         h' = a ⊙ h + b, each of the shape of h' and for any number of axes in front of the last. `unroll`
///         then computes all time steps in one operation, `linear_recurrence`. What the cell's prepare
///         returns may be a second argument. A state of N complex numbers is [batch, 2N], their real parts
///         and then the imaginary ones, and the cell returns a std::array<Var<T>, 3> of Re a [.., N], Im a
///         [.., N] and b [.., 2N] instead; the operation is then `complex_recurrence`.
///     Var<T> output(const Projected& input, const Var<T>& h) const;
///         Optional, beside `coefficients`: what the cell shows of its new state h', such as h' behind a gate
///         of the input's; without it that is h'. It too is called once for all time steps, h being
///         [T, B, H], or for one, [B, H], and may take what prepare returns as a third argument.
///     ParameterList<T> parameters();
///         What is trained: `return parameter_list(U, W, b);`
///     std::vector<bool> hidden_parts() const;
///         Optional: which parts of the state, in order, are an h, for wrappers that treat it in another way
///         than the rest. Without it that is the first.
///
/// Every part of a state has the batch as its first axis, or is handed on as it is. An axis behind the first
/// that is 0 in the initial state is open: a given state may have any extent there. `static_assert(nn::Cell<
/// MyCell>)` beside a cell checks what it has, and `unroll` says in words what is missing.
///
/// A layer that needs a whole sequence, such as one that reads it in both directions, has instead of `step`
///
///     Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions& options) const;
///
/// and x is [T, B, ..]. A cell may have both: a stack of cells then unrolls layer by layer, and still steps.

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

// The T that somebody means who returns this instead of a state.
template <class S>
struct Meant {
    using type = float;
};
template <class S>
requires requires { typename S::value_type; }
struct Meant<S> {
    using type = std::conditional_t<std::is_same_v<typename S::value_type, double>, double, float>;
};

/// The types that a cell's signatures name, whether it is a cell or not.
template <class C>
struct Named {
    using Value = typename Meant<InitialStateOf<C>>::type;
    using State = Var<Value>;
};
template <GivesState C>
struct Named<C> {
    using Value = CellValueOf<C>;
    using State = InitialStateOf<C>;
};

template <class C>
concept HasPrepare = requires(const C& cell) {
    cell.prepare();
};

template <class C>
struct Prepared {
    using type = std::tuple<>;
};
template <HasPrepare C>
struct Prepared<C> {
    using type = std::remove_cvref_t<decltype(std::declval<const C&>().prepare())>;
};

template <class C>
concept ProjectsPlain = requires(const C& cell, const Var<CellValueOf<C>>& x) {
    cell.project(x);
};
template <class C>
concept ProjectsPrepared = HasPrepare<C> &&
    requires(const C& cell, const Var<CellValueOf<C>>& x, const typename Prepared<C>::type& prepared) {
    cell.project(x, prepared);
};

template <class C>
struct Projected {
    using type = Var<typename Named<C>::Value>;
};
template <ProjectsPlain C>
requires(!ProjectsPrepared<C>) struct Projected<C> {
    using type = std::remove_cvref_t<decltype(std::declval<const C&>().project(
        std::declval<const Var<CellValueOf<C>>&>()))>;
};
template <ProjectsPrepared C>
struct Projected<C> {
    using type = std::remove_cvref_t<decltype(std::declval<const C&>().project(
        std::declval<const Var<CellValueOf<C>>&>(), std::declval<const typename Prepared<C>::type&>()))>;
};

template <class C>
concept Projects = (ProjectsPlain<C> ||
                    ProjectsPrepared<C>)&&is_state<typename Projected<C>::type, CellValueOf<C>>;

// A member of that name which does not fit would otherwise be passed over in silence.
template <class C>
concept ProjectFits = Projects<C> || !(ProjectsPlain<C> || ProjectsPrepared<C> || requires { &C::project; });
template <class C>
concept PrepareFits = is_state<typename Prepared<C>::type, CellValueOf<C>> &&
    (HasPrepare<C> || !requires { &C::prepare; });

template <class C>
concept LinearPlain = requires(const C& cell, const typename Projected<C>::type& input) {
    cell.coefficients(input);
};
template <class C>
concept LinearPrepared = HasPrepare<C> && requires(const C& cell, const typename Projected<C>::type& input,
                                                   const typename Prepared<C>::type& prepared) {
    cell.coefficients(input, prepared);
};
/// Returns the a and b of a cell that is linear in its state, for one time step or all.
template <class C>
requires(LinearPlain<C> || LinearPrepared<C>) auto coefficients_of(
    const C& cell, const typename Projected<C>::type& input,
    [[maybe_unused]] const typename Prepared<C>::type& prepared) {
    if constexpr (LinearPrepared<C>)
        return cell.coefficients(input, prepared);
    else
        return cell.coefficients(input);
}
template <class C, class Coefficients>
concept GivesCoefficients = GivesState<C> && std::same_as<InitialStateOf<C>, Var<CellValueOf<C>>> &&
    requires(const C& cell, const typename Projected<C>::type& input,
             const typename Prepared<C>::type& prepared) {
    { coefficients_of(cell, input, prepared) } -> std::convertible_to<Coefficients>;
};
template <class C>
using TwoCoefficients = std::pair<InitialStateOf<C>, InitialStateOf<C>>;
template <class C>
using ThreeCoefficients = std::array<InitialStateOf<C>, 3>;
template <class C>
concept IsComplex = GivesCoefficients<C, ThreeCoefficients<C>>;
template <class C>
concept HasCoefficients = IsComplex<C> || GivesCoefficients<C, TwoCoefficients<C>>;

template <class C>
concept ShowsPlain = requires(const C& cell, const typename Projected<C>::type& input,
                              const InitialStateOf<C>& h) {
    { cell.output(input, h) } -> std::convertible_to<InitialStateOf<C>>;
};
template <class C>
concept ShowsPrepared = HasPrepare<C> &&
    requires(const C& cell, const typename Projected<C>::type& input, const InitialStateOf<C>& h,
             const typename Prepared<C>::type& prepared) {
    { cell.output(input, h, prepared) } -> std::convertible_to<InitialStateOf<C>>;
};
/// Returns the output of a cell that is linear in its state, for one time step or all.
template <HasCoefficients C>
InitialStateOf<C> output_of(const C& cell, [[maybe_unused]] const typename Projected<C>::type& input,
                            const InitialStateOf<C>& h,
                            [[maybe_unused]] const typename Prepared<C>::type& prepared) {
    if constexpr (ShowsPrepared<C>)
        return cell.output(input, h, prepared);
    else if constexpr (ShowsPlain<C>)
        return cell.output(input, h);
    else
        return h;
}

template <class C>
concept StepsPrepared = HasPrepare<C> &&
    requires(const C& cell, const typename Projected<C>::type& input, const InitialStateOf<C>& state,
             const typename Prepared<C>::type& prepared) {
    cell.step(input, state, prepared);
};
template <class C>
concept StepsPlain = requires(const C& cell, const typename Projected<C>::type& input,
                              const InitialStateOf<C>& state) {
    cell.step(input, state);
};
template <class C>
concept IsLinear = HasCoefficients<C> && !StepsPlain<C> && !StepsPrepared<C>;
template <class C>
concept HasStep = StepsPlain<C> || StepsPrepared<C> || IsLinear<C>;
// As of `project`: one that does not fit is not passed over. What a cell with a step calls so is its own.
template <class C>
concept OutputFits = !IsLinear<C> || ShowsPlain<C> || ShowsPrepared<C> || !requires {
    &C::output;
};

/// The one call of a cell's step.
template <class C>
decltype(auto) call_step(const C& cell, const typename Projected<C>::type& input,
                         const InitialStateOf<C>& state,
                         [[maybe_unused]] const typename Prepared<C>::type& prepared) {
    if constexpr (IsLinear<C> && IsComplex<C>) {
        const InitialStateOf<C> next = complex_step(coefficients_of(cell, input, prepared), state);
        return std::pair{output_of(cell, input, next, prepared), next};
    } else if constexpr (IsLinear<C>) {
        const auto [a, b] = coefficients_of(cell, input, prepared);
        const InitialStateOf<C> next = a * state + b;
        return std::pair{output_of(cell, input, next, prepared), next};
    } else if constexpr (StepsPrepared<C>) {
        return cell.step(input, state, prepared);
    } else {
        return cell.step(input, state);
    }
}

template <class C>
concept StepGivesPair = HasStep<C> &&
    requires(const C& cell, const typename Projected<C>::type& input, const InitialStateOf<C>& state,
             const typename Prepared<C>::type& prepared) {
    { call_step(cell, input, state, prepared).first } -> std::convertible_to<Var<CellValueOf<C>>>;
    { call_step(cell, input, state, prepared).second } -> std::convertible_to<InitialStateOf<C>>;
};

template <class C>
concept UnrollsItself = GivesState<C> &&
    requires(const C& layer, const Var<CellValueOf<C>>& x, const InitialStateOf<C>& state,
             const UnrollOptions& options) {
    { layer.unroll(x, state, options) } -> std::same_as<Unrolled<CellValueOf<C>, InitialStateOf<C>>>;
};

// The contract, one requirement behind the other: behind one that fails nothing is asked.
template <class C>
concept StateAndPrepare = GivesState<C> && PrepareFits<C>;
template <class C>
concept StateToProject = StateAndPrepare<C> && ProjectFits<C>;
template <class C>
concept StateToStep = StateToProject<C> &&(HasStep<C> || UnrollsItself<C>);
template <class C>
concept StateToOutput = StateToStep<C> && OutputFits<C>;
template <class C>
concept KeepsContract = StateToOutput<C> &&(StepGivesPair<C> || (UnrollsItself<C> && !HasStep<C>));

// The checks of the contract, in words. A failed one switches off those behind it, so that there is one
// message.
template <class C>
struct Contract {
    static_assert(HasInitialState<C>, "not a cell: it needs `auto initial_state(std::size_t batch) const`");
    static_assert(
        GivesState<C> || !HasInitialState<C>,
        "a cell's initial_state must return a Var<T>, or a std::pair, tuple, array or vector of them, "
        "all of one T (`input(...)` makes a Var of a Tensor or a Parameter)");
    static_assert(StateAndPrepare<C> || !GivesState<C>,
                  "a cell's prepare must be `Prepared prepare() const` and return a Var<T>, or a std::pair, "
                  "tuple, array or vector of them");
    static_assert(StateToProject<C> || !StateAndPrepare<C>,
                  "a cell's project must be `Var<T> project(const Var<T>& x) const`, or give a std::pair, "
                  "tuple, array or vector of Var<T>; behind x it may take what the cell's prepare returns");
    static_assert(
        StateToStep<C> || !StateToProject<C>,
        "a cell needs `auto step(const Var<T>& input, const State& state) const`, where State is "
        "what its initial_state returns, input is what its project gives for one time step, and a "
        "third argument may be what its prepare returns; or, when its state is one Var that it "
        "carries on linearly, `std::pair<Var<T>, Var<T>> coefficients(const Projected& input) const`, or "
        "a std::array of three when that is of complex numbers");
    static_assert(
        StateToOutput<C> || !StateToStep<C>,
        "the output of a cell with coefficients must be `Var<T> output(const Projected& input, const "
        "Var<T>& h) const`, where input is what its project gives, and a third argument may be what "
        "its prepare returns");
    static_assert(KeepsContract<C> || !StateToOutput<C>,
                  "a cell's step must return std::pair{output, state}: a Var<T>, and a state of the type "
                  "that initial_state returns");
};

// A type of `Named` for which the checks are made. They must not be asked for a name themselves: a class with
// a failed check has none for some compilers.
template <class C>
using CheckedNames = std::conditional_t<sizeof(Contract<C>) != 0, Named<C>, void>;

}  // namespace detail

/// The T of a cell's `Var`s.
template <class C>
using ValueOf = typename detail::CheckedNames<C>::Value;
/// The state that a cell hands from one time step to the next.
template <class C>
using StateOf = typename detail::CheckedNames<C>::State;

/// The result of a cell's `prepare`; an empty tuple for a cell without.
template <class C>
using PreparedOf = typename detail::Prepared<C>::type;
/// The result of a cell's `project`, which its step reads; a Var for a cell without.
template <class C>
using ProjectedOf = typename detail::Projected<C>::type;

/// The result of `unroll` for a cell or layer.
template <class C>
using UnrolledOf = Unrolled<ValueOf<C>, StateOf<C>>;

/// A layer that reads a whole sequence, which `unroll` takes besides cells.
template <class C>
concept SequenceLayer = detail::UnrollsItself<C>;

/// The contract above, without words.
template <class C>
concept Cell = detail::GivesState<C> && detail::PrepareFits<C> && detail::ProjectFits<C> &&
    detail::StepGivesPair<C> && detail::OutputFits<C>;

/// A cell that lists its parameters.
template <class C>
concept TrainableCell = Cell<C> && requires(C& cell) {
    { cell.parameters() } -> std::convertible_to<ParameterList<ValueOf<C>>>;
};

/// Returns what a cell makes of its parameters once per unroll: `cell.prepare()`, or an empty tuple.
template <class C>
PreparedOf<C> prepare([[maybe_unused]] const C& cell) {
    if constexpr (detail::HasPrepare<C>)
        return cell.prepare();
    else
        return {};
}

/// The part of a cell's work that does not depend on the state: `cell.project(x)`, or x itself.
template <class C>
ProjectedOf<C> project(const C& cell, const Var<ValueOf<C>>& x,
                       [[maybe_unused]] const PreparedOf<C>& prepared) {
    if constexpr (detail::ProjectsPrepared<C>)
        return cell.project(x, prepared);
    else if constexpr (detail::ProjectsPlain<C>)
        return cell.project(x);
    else
        return x;
}
template <class C>
ProjectedOf<C> project(const C& cell, const Var<ValueOf<C>>& x) {
    return project(cell, x, prepare(cell));
}

/// One time step from what `project` gave: what a wrapper calls. Returns the pair of output and state.
template <class C>
std::pair<Var<ValueOf<C>>, StateOf<C>> step(const C& cell, const ProjectedOf<C>& u, const StateOf<C>& state,
                                            const PreparedOf<C>& prepared) {
    return detail::call_step(cell, u, state, prepared);
}

/// One time step from the plain input x [B, ..]: what a stack calls, and a decoder that feeds its own output
/// back.
template <class C>
std::pair<Var<ValueOf<C>>, StateOf<C>> advance(const C& cell, const Var<ValueOf<C>>& x,
                                               const StateOf<C>& state, const PreparedOf<C>& prepared) {
    return step(cell, project(cell, x, prepared), state, prepared);
}
/// Makes one step of a cell that is stepped by itself: it prepares in every step.
template <class C>
std::pair<Var<ValueOf<C>>, StateOf<C>> advance(const C& cell, const Var<ValueOf<C>>& x,
                                               const StateOf<C>& state) {
    return advance(cell, x, state, prepare(cell));
}

namespace detail {

template <class C>
concept NamesHiddenParts = requires(const C& cell) {
    { cell.hidden_parts() } -> std::convertible_to<std::vector<bool>>;
};

}  // namespace detail

/// Says which parts of a cell's state, in order, are an h: what it says, or the first. Parts behind the end
/// of the list are none.
template <class C>
std::vector<bool> hidden_parts([[maybe_unused]] const C& cell) {
    if constexpr (detail::NamesHiddenParts<C>)
        return cell.hidden_parts();
    else
        return {true};
}

}  // namespace tapeloop::nn
