#pragma once

#include <nn/wrappers/any_layer.hpp>

#include <string>

namespace tapeloop::nn {

/// Layers one behind the other, each reading the outputs of the one before: cells, wrappers, `Bidirectional`,
/// and layers without state.
///
///     nn::Stack<float> model(nn::LstmCell<float>(28, 128, generator), nn::Dropout{0.2},
///                            nn::LstmCell<float>(128, 128, generator), nn::Linear<float>(128, 10,
///                            generator));
///
/// It is a cell itself, unless one of its layers reads whole sequences; `unroll` runs it layer by layer, each
/// with one input product for all time steps. The layers are called `layer0`, `layer1`, ... or as `add` says,
/// in the paths of parameters and in labels. The state is a list of the layers' states.
template <class T>
class Stack {
  public:
    using value_type = T;
    using State = std::vector<std::vector<Var<T>>>;

    Stack() = default;
    /// Stacks layers or cells of any types, the first at the bottom.
    template <class... L>
    requires(sizeof...(L) > 0 &&
             !(std::same_as<std::remove_cvref_t<L>, Stack> || ...)) explicit Stack(L... layers) {
        (add(std::move(layers)), ...);
    }

    /// Puts a layer on top. Throws `std::invalid_argument` when there is one of that name.
    void add(std::string name, AnyLayer<T> layer);
    void add(AnyLayer<T> layer);

    std::size_t size() const { return layers_.size(); }
    /// The k-th layer from below: `stack.layer(0).as<nn::LstmCell<float>>()`. Throws `std::invalid_argument`
    /// when there are not so many.
    AnyLayer<T>& layer(std::size_t k);
    /// Returns the name of the k-th layer from below. Throws `std::invalid_argument` when there are not so
    /// many.
    const std::string& name(std::size_t k) const;

    State initial_state(std::size_t batch) const;
    /// Returns a list of what the layers prepare.
    State prepare() const;
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state, const State& prepared) const;
    std::pair<Var<T>, State> step(const Var<T>& x, const State& state) const {
        return step(x, state, prepare());
    }
    Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions& options) const;
    /// Returns those of every layer, bottom first.
    std::vector<bool> hidden_parts() const;
    ParameterList<T> parameters();

  private:
    struct Named {
        std::string name;
        AnyLayer<T> layer;
    };
    void require_layer(std::size_t k) const;

    std::vector<Named> layers_;
};

extern template class Stack<float>;
extern template class Stack<double>;

}  // namespace tapeloop::nn
