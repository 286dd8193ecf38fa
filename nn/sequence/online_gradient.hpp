#pragma once

#include <nn/sequence/truncated_bptt.hpp>

#include <vector>

namespace tapeloop::nn {

/// The exact gradient of a sequence that has no end, without going back: real-time recurrent learning
/// (Williams and Zipser 1989). Beside the state it carries how that depends on the parameters, [n, p] for n
/// elements of a state and p of parameters, and brings it forward with n sweeps for every window. That is
/// for small networks: to learn from, and to tell what truncation loses. While parameters stay, gradients of
/// windows add up to that of the whole sequence; where they are changed between windows, what was carried
/// belongs to those before.
///
///     nn::OnlineGradient online(cell, {1, batch, I}, cell.parameters());
///     const auto [loss, gradients] = online.step(x, begins, [&](const auto& outputs) { return ...; });
///
/// It is used as `TruncatedBptt` is; the cell and its parameters must outlive it.
template <class C>
class OnlineGradient {
    using T = ValueOf<C>;

  public:
    /// The state that the next window gets, how it depends on the parameters, and whether it is the first.
    using Carried = std::tuple<nn::Carried<StateOf<C>>, Tensor<T>, Tensor<T>>;

    /// Takes the shape of the windows x, [k1, B, ..], and the parameters. Throws `std::invalid_argument` when
    /// the window has less than three axes or an empty one.
    OnlineGradient(const C& cell, const Shape& window, const ParameterList<T>& parameters)
        : cell_(cell), window_(window), parameters_(parameters) {
        detail::require_window(window);
        Tape<T> tape;
        const StateOf<C> first = cell.initial_state(window[1]);
        std::size_t elements = 0;
        for (const Var<T>& part : detail::listed<T>(first)) elements += part.shape().size();
        std::size_t count = 0;
        for (const Wrt<T>& one : parameters_.list()) count += one.shape().size();
        carried_ = {carry(first), zeros<T>({elements, count}), zeros<T>({1})};
    }

    /// Takes the next window: see `TruncatedBptt::step`.
    template <class Loss>
    WindowResult<T> step(const Tensor<T>& x, const StepMask& begins, const Loss& loss) {
        detail::require_in_window(shape_of(x), begins, window_);
        auto& [carried, dependence, count] = carried_;
        Tape<T> tape;
        const std::vector<Var<T>> before = detail::listed<T>(resume(carried));
        WrtList<T> wrt = parameters_;
        for (const Var<T>& part : before) wrt.add(part);
        const StepMask all_begins(detail::beginnings<T>(begins, window_, count(0) == T(0)));
        const auto [outputs, next] = detail::run_window(
            cell_, input(x), all_begins, detail::structured(before, cell_.initial_state(window_[1])));
        const Var<T> J = loss(outputs);
        WindowResult<T> result{J.item(), {parameters_.list(), {}}};
        const std::vector<T> of_loss = along_state(gradient(J, wrt), dependence);
        std::vector<Tensor<T>> gradients;
        const T* from = of_loss.data();
        for (const Wrt<T>& one : parameters_.list()) {
            gradients.push_back(zeros<T>(one.shape()));
            std::copy_n(from, gradients.back().size(), gradients.back().data());
            from += gradients.back().size();
        }
        result.gradients = Gradients<T>(parameters_.list(), std::move(gradients));

        Tensor<T> brought_forward = zeros<T>(shape_of(dependence));
        T* row = brought_forward.data();
        for (const Var<T>& part : detail::listed<T>(next))
            for (std::size_t element = 0; element < part.shape().size(); ++element) {
                Tensor<T> one = zeros<T>(part.shape());
                one.data()[element] = T(1);
                const std::vector<T> of_element =
                    along_state(gradient(std::vector<GradientRoot<T>>{{part, one}}, wrt), dependence);
                row = std::copy(of_element.begin(), of_element.end(), row);
            }
        auto then = carry(next);
        // From here on nothing throws.
        carried = std::move(then);
        dependence = std::move(brought_forward);
        count(0) = T(1);
        return result;
    }
    /// Takes a window in which no row begins anew.
    template <class Loss>
    WindowResult<T> step(const Tensor<T>& x, const Loss& loss) {
        return step(x, {}, loss);
    }

    /// Returns its place, which may be saved, and set to that of one of the same shapes.
    Carried& carried() { return carried_; }

  private:
    /// The gradient by the parameters as a row: what they do in the window, and what they did before it.
    std::vector<T> along_state(const Gradients<T>& gradients, const Tensor<T>& dependence) const {
        std::vector<T> row;
        const std::size_t own = parameters_.list().size();
        for (std::size_t i = 0; i < own; ++i)
            row.insert(row.end(), gradients.at(i).begin(), gradients.at(i).end());
        const T* of_element = dependence.data();
        for (std::size_t i = own; i < gradients.size(); ++i)
            for (const T slope : gradients.at(i)) {
                for (std::size_t k = 0; k < row.size(); ++k) row[k] += slope * of_element[k];
                of_element += row.size();
            }
        return row;
    }

    const C& cell_;
    Shape window_;
    WrtList<T> parameters_;
    Carried carried_;
};

}  // namespace tapeloop::nn
