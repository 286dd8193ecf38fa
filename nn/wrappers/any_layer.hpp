#pragma once

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

/// What `AnyLayer` asks of the layer that it holds.
template <class T>
class ErasedLayer {
  public:
    using State = std::vector<Var<T>>;
    virtual ~ErasedLayer() = default;
    virtual State initial_state(std::size_t batch) const = 0;
    virtual bool is_cell() const = 0;
    virtual std::pair<Var<T>, State> step(const Var<T>& x, const State& state) const = 0;
    virtual Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions&) const = 0;
    virtual ParameterList<T> parameters() = 0;
};

template <class T, class L>
class ErasedFeedForward final : public ErasedLayer<T> {
  public:
    using typename ErasedLayer<T>::State;
    explicit ErasedFeedForward(L given) : layer(std::forward<L>(given)) {}

    State initial_state(std::size_t) const override { return {}; }
    bool is_cell() const override { return true; }
    std::pair<Var<T>, State> step(const Var<T>& x, const State&) const override { return {layer(x), {}}; }
    Unrolled<T, State> unroll(const Var<T>& x, const State&, const UnrollOptions& options) const override {
        const Var<T> outputs = mask_by_lengths(layer(mask_by_lengths(x, options.lengths)), options.lengths);
        return {outputs, {}, std::vector<State>(options.trace ? x.shape()[0] : 0)};
    }
    ParameterList<T> parameters() override {
        if constexpr (HasParameters<L>)
            return layer.parameters();
        else
            return {};
    }

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
        structure_ = map_state([](const auto&) { return char(); }, layer.initial_state(1));
    }

    State initial_state(std::size_t batch) const override { return listed(layer.initial_state(batch)); }
    bool is_cell() const override { return Cell<Plain>; }
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state) const override {
        if constexpr (Cell<Plain>) {
            const auto [output, next] = advance(layer, x, structured(state));
            return {output, listed(next)};
        } else {
            throw std::logic_error(
                "AnyLayer: this layer reads whole sequences; it has no single step (call unroll)");
        }
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State& state,
                              const UnrollOptions& options) const override {
        const auto own = run(layer, Operand<T>(x), structured(state), options);
        Unrolled<T, State> result{own.outputs, listed(own.state), {}};
        for (const Own& then : own.trace) result.trace.push_back(listed(then));
        return result;
    }
    ParameterList<T> parameters() override {
        if constexpr (HasParameters<L>)
            return layer.parameters();
        else
            return {};
    }

    L layer;

  private:
    static State listed(const Own& state) {
        State list;
        for_each_part([&](const Var<T>& part) { list.push_back(part); }, state);
        return list;
    }
    Own structured(const State& list) const {
        std::size_t count = 0;
        for_each_part([&](char) { ++count; }, structure_);
        if (list.size() != count) fail_part_count(list.size(), count);
        auto next = list.begin();
        return map_state([&](char) { return *next++; }, structure_);
    }

    decltype(map_state([](const auto&) { return char(); }, std::declval<const Own&>())) structure_;
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

    template <class L>
    requires(!std::same_as<std::remove_cvref_t<L>, AnyLayer>) AnyLayer(L layer)
        : layer_(held(std::move(layer))) {}

    State initial_state(std::size_t batch) const { return layer_->initial_state(batch); }
    /// Whether it has a step: all but layers that read a whole sequence, such as `Bidirectional`.
    bool is_cell() const { return layer_->is_cell(); }
    /// Throws `std::logic_error` when the layer has no step.
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state) const {
        return layer_->step(x, state);
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions& options) const {
        return layer_->unroll(x, state, options);
    }
    ParameterList<T> parameters() { return layer_->parameters(); }

    /// The held layer. Throws `std::invalid_argument` when it is not an L.
    template <class L>
    L& as();

  private:
    template <class L>
    static std::unique_ptr<detail::ErasedLayer<T>> held(L layer) {
        if constexpr (detail::GivesState<L>)
            return std::make_unique<detail::ErasedRecurrent<T, L>>(std::move(layer));
        else if constexpr (detail::FeedForward<L, T>)
            return std::make_unique<detail::ErasedFeedForward<T, L>>(std::move(layer));
        else
            static_assert(detail::FeedForward<L, T>,
                          "a layer is a cell, one that unrolls itself, or a function of a Var<T>");
    }
    template <class L>
    static std::unique_ptr<detail::ErasedLayer<T>> held(std::reference_wrapper<L> layer) {
        if constexpr (detail::GivesState<L>)
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
    L* found = nullptr;
    if constexpr (detail::GivesState<L>) {
        found = layer_of<detail::ErasedRecurrent<T, L>>();
        if (found == nullptr) found = layer_of<detail::ErasedRecurrent<T, L&>>();
    } else {
        found = layer_of<detail::ErasedFeedForward<T, L>>();
        if (found == nullptr) found = layer_of<detail::ErasedFeedForward<T, L&>>();
    }
    if (found == nullptr) throw std::invalid_argument("AnyLayer: it holds a layer of another type");
    return *found;
}

}  // namespace tapeloop::nn
