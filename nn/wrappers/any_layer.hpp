#pragma once

#include <nn/layers/dropout.hpp>
#include <nn/sequence/unroll.hpp>

#include <functional>
#include <memory>
#include <stdexcept>

namespace tapeloop::nn {

namespace detail {

/// A layer without state, such as `Linear`: `Var<T> operator()(x) const` for any number of leading axes.
template <class L, class T>
concept FeedForward = requires(const L& layer, const Var<T>& x) {
    { layer(x) } -> std::convertible_to<Var<T>>;
};

template <class L>
concept HasParameters = requires(L& layer) {
    layer.parameters();
};

[[noreturn]] void fail_part_count(std::size_t given, std::size_t needed);

/// The interface that `AnyLayer` asks of the layer that it holds.
template <class T>
class ErasedLayer {
  public:
    using State = std::vector<Var<T>>;
    virtual ~ErasedLayer() = default;
    virtual State initial_state(std::size_t batch) const = 0;
    virtual bool is_cell() const = 0;
    virtual State prepare() const { return {}; }
    virtual std::pair<Var<T>, State> step(const Var<T>& x, const State& state,
                                          const State& prepared) const = 0;
    virtual Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions&) const = 0;
    /// One for each part of the state.
    virtual std::vector<bool> hidden_parts() const { return {}; }
    virtual ParameterList<T> parameters() = 0;
};

template <class T, class L>
ParameterList<T> parameters_of(L& layer) {
    if constexpr (HasParameters<L>)
        return layer.parameters();
    else
        return {};
}

template <class T, class L>
class ErasedFeedForward final : public ErasedLayer<T> {
  public:
    using typename ErasedLayer<T>::State;
    explicit ErasedFeedForward(L given) : layer(std::forward<L>(given)) {}

    State initial_state(std::size_t) const override { return {}; }
    bool is_cell() const override { return true; }
    std::pair<Var<T>, State> step(const Var<T>& x, const State&, const State&) const override {
        return {layer(x), {}};
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State&, const UnrollOptions& options) const override {
        return {outputs(x, options), {}, std::vector<State>(options.trace ? x.shape()[0] : 0)};
    }
    ParameterList<T> parameters() override { return parameters_of<T>(layer); }

    L layer;

  private:
    Var<T> outputs(const Var<T>& x, const UnrollOptions& options) const {
        const CountedSteps steps(options, x.shape()[0], x.shape()[1]);
        if (steps.all()) return layer(x);
        return steps.spread({layer(steps.packed(x))}, CallSite::current());
    }
};

/// A dropout whose mask may be the same for a sequence: then its state are the seeds of each row's mask, so
/// that it is so however the sequence is read, at once, step by step, or in stretches.
template <class T, class L>
class ErasedDropout final : public ErasedLayer<T> {
  public:
    using typename ErasedLayer<T>::State;
    explicit ErasedDropout(L given) : layer(given) {}

    State initial_state(std::size_t batch) const override {
        if (!layer.same_for_sequence) return {};
        return {mask_seeds<T>(batch)};
    }
    bool is_cell() const override { return true; }
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state, const State&) const override {
        return {state.empty() ? layer(x) : layer(x, state.front()), state};
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State& state,
                              const UnrollOptions& options) const override {
        const Var<T> read = without_uncounted(x, options);
        const Var<T> outputs = state.empty() ? layer(read) : layer(read, state.front());
        return {outputs, state, std::vector<State>(options.trace ? x.shape()[0] : 0, state)};
    }
    std::vector<bool> hidden_parts() const override {
        return std::vector<bool>(layer.same_for_sequence ? 1 : 0, false);
    }
    ParameterList<T> parameters() override { return {}; }

    L layer;
};

/// The parts of a layer's state are laid out in a list, and put back into its structure.
template <class T, class L>
class ErasedRecurrent final : public ErasedLayer<T> {
    using Plain = std::remove_reference_t<L>;
    using Own = StateOf<Plain>;

  public:
    using typename ErasedLayer<T>::State;
    explicit ErasedRecurrent(L given) : layer(std::forward<L>(given)) {
        const Tape<T> scratch;
        const Evaluation nothing_is_drawn;
        structure_ = map_state([](const auto&) { return char(); }, layer.initial_state(1));
        prepared_ = map_state([](const auto&) { return char(); }, nn::prepare<Plain>(layer));
    }

    State initial_state(std::size_t batch) const override { return listed<T>(layer.initial_state(batch)); }
    State prepare() const override { return listed<T>(nn::prepare<Plain>(layer)); }
    bool is_cell() const override { return Cell<Plain>; }
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state, const State& prepared) const override {
        if constexpr (Cell<Plain>) {
            const auto [output, next] =
                advance<Plain>(layer, x, restored(state, structure_), restored(prepared, prepared_));
            return {output, listed<T>(next)};
        } else {
            throw std::logic_error(
                "AnyLayer: this layer reads whole sequences; it has no single step (call unroll)");
        }
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State& state,
                              const UnrollOptions& options) const override {
        const auto own = run(layer, Operand<T>(x), restored(state, structure_), options);
        Unrolled<T, State> result{own.outputs, listed<T>(own.state), {}};
        for (const Own& then : own.trace) result.trace.push_back(listed<T>(then));
        return result;
    }
    std::vector<bool> hidden_parts() const override {
        std::vector<bool> parts = nn::hidden_parts<Plain>(layer);
        std::size_t count = 0;
        for_each_part([&](char) { ++count; }, structure_);
        parts.resize(count, false);
        return parts;
    }
    ParameterList<T> parameters() override { return parameters_of<T>(layer); }

    L layer;

  private:
    template <class S>
    using Structure = decltype(map_state([](const auto&) { return char(); }, std::declval<const S&>()));

    /// A list put back into its structure.
    template <class S>
    static auto restored(const State& list, const S& structure) {
        std::size_t count = 0;
        for_each_part([&](char) { ++count; }, structure);
        if (list.size() != count) fail_part_count(list.size(), count);
        auto next = list.begin();
        return map_state([&](char) { return *next++; }, structure);
    }

    Structure<Own> structure_;
    Structure<PreparedOf<Plain>> prepared_;
};

}  // namespace detail

/// Any layer of one interface, chosen while the program runs: a cell, a layer that unrolls itself, or one
/// without state, such as `Linear`. It works wherever a cell does. What it holds is moved in, or referred to:
/// `AnyLayer<float>(std::ref(cell))`.
///
/// Its state is the list of the parts of the held layer's. Behind `unroll` the held layer's own time loop
/// runs, so nothing is slower than without it.
template <class T>
class AnyLayer {
  public:
    using value_type = T;
    using State = std::vector<Var<T>>;

    /// Holds a layer or cell of any type.
    template <class L>
    requires(!std::same_as<std::remove_cvref_t<L>, AnyLayer>) AnyLayer(L layer)
        : layer_(held(std::move(layer))) {}

    State initial_state(std::size_t batch) const { return layer_->initial_state(batch); }
    /// Returns whether the layer has a step: all have but those that read a whole sequence, such as
    /// `Bidirectional`.
    bool is_cell() const { return layer_->is_cell(); }
    /// Returns what the held layer prepares, its parts in a list.
    State prepare() const { return layer_->prepare(); }
    /// Throws `std::logic_error` when the layer has no step.
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state, const State& prepared) const {
        return layer_->step(x, state, prepared);
    }
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state) const {
        return step(x, state, prepare());
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions& options) const {
        return layer_->unroll(x, state, options);
    }
    std::vector<bool> hidden_parts() const { return layer_->hidden_parts(); }
    ParameterList<T> parameters() { return layer_->parameters(); }

    /// The held layer. Throws `std::invalid_argument` when it is not an L.
    template <class L>
    L& as();
    /// Returns the held layer, null when it is not an L.
    template <class L>
    L* find();

  private:
    template <class L>
    static std::unique_ptr<detail::ErasedLayer<T>> held(L layer) {
        if constexpr (std::same_as<L, Dropout>)
            return std::make_unique<detail::ErasedDropout<T, L>>(layer);
        else if constexpr (detail::GivesState<L>)
            return std::make_unique<detail::ErasedRecurrent<T, L>>(std::move(layer));
        else if constexpr (detail::FeedForward<L, T>)
            return std::make_unique<detail::ErasedFeedForward<T, L>>(std::move(layer));
        else if constexpr (detail::HasInitialState<L>)
            return (void(sizeof(detail::Contract<L>)), nullptr);  // which says what is missing
        else
            static_assert(detail::FeedForward<L, T>,
                          "a layer is a cell, one that unrolls itself, or a function of a Var<T>");
    }
    template <class L>
    static std::unique_ptr<detail::ErasedLayer<T>> held(std::reference_wrapper<L> layer) {
        if constexpr (std::same_as<std::remove_const_t<L>, Dropout>)
            return std::make_unique<detail::ErasedDropout<T, L&>>(layer.get());
        else if constexpr (detail::GivesState<L>)
            return std::make_unique<detail::ErasedRecurrent<T, L&>>(layer.get());
        else
            return std::make_unique<detail::ErasedFeedForward<T, L&>>(layer.get());
    }
    template <class Erased>
    auto* layer_of() {
        auto* erased = dynamic_cast<Erased*>(layer_.get());
        return erased == nullptr ? nullptr : std::addressof(erased->layer);
    }

    std::unique_ptr<detail::ErasedLayer<T>> layer_;
};

template <class T>
template <class L>
L& AnyLayer<T>::as() {
    L* found = find<L>();
    if (found == nullptr) throw std::invalid_argument("AnyLayer: it holds a layer of another type");
    return *found;
}

template <class T>
template <class L>
L* AnyLayer<T>::find() {
    L* found = nullptr;
    if constexpr (std::same_as<L, Dropout>) {
        found = layer_of<detail::ErasedDropout<T, L>>();
        if (found == nullptr) found = layer_of<detail::ErasedDropout<T, L&>>();
    } else if constexpr (detail::GivesState<L>) {
        found = layer_of<detail::ErasedRecurrent<T, L>>();
        if (found == nullptr) found = layer_of<detail::ErasedRecurrent<T, L&>>();
    } else {
        found = layer_of<detail::ErasedFeedForward<T, L>>();
        if (found == nullptr) found = layer_of<detail::ErasedFeedForward<T, L&>>();
    }
    return found;
}

}  // namespace tapeloop::nn
