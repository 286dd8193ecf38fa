#pragma once

#include <autograd/study/jacobian/states.hpp>

#include <vector>

namespace tapeloop {

/// What a study page needs to run its recording again, for the sliders that change it: that of a parameter's
/// scale, a bias, an element of the input.
///
///     options.ledgers.push_back(gradient_ledger(losses, cell.W));
///     options.spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
///     options.playground = Playground(losses, nn::states(run.trace));
struct Playground {
    std::vector<NodeIndex> losses = {};               ///< as `gradient_ledger` was given them
    std::vector<std::vector<NodeIndex>> states = {};  ///< as `jacobian_lens` was given them

    /// Makes one for a page without ledgers and spectrum.
    Playground() = default;
    /// Takes what the ledgers and the spectrum of the page were made of.
    template <class T>
    explicit Playground(const Var<T>& all_losses, const States<T>& all_states = {})
        : Playground(std::vector{all_losses}, all_states) {}
    /// Takes one loss a `Var`.
    template <class T>
    explicit Playground(const std::vector<Var<T>>& all_losses, const States<T>& all_states = {}) {
        for (const Var<T>& loss : all_losses) losses.push_back(loss.index());
        for (const std::vector<Var<T>>& state : all_states) {
            states.emplace_back();
            for (const Var<T>& part : state) states.back().push_back(part.index());
        }
    }
};

}  // namespace tapeloop
