#pragma once

#include <autograd/gradient.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/study/play/operators.hpp>
#include <autograd/study/play/transcript.hpp>
#include <autograd/tape.hpp>

#include <optional>
#include <unordered_map>
#include <vector>

namespace tapeloop::detail {

/// What the uses of a parameter at each time step contribute to its gradient.
struct PlayedNorms {
    NodeIndex parameter;
    std::vector<double> by_step;  ///< NaN where there is no use
};

/// What the plots of a study page show of a replay.
struct PlayedFigures {
    std::vector<PlayedNorms> norms;
    std::vector<GradientLedger> ledgers;
    std::optional<JacobianSpectrum> spectrum;
    std::vector<GateSaturation> saturation;
};

/// A recording that runs again after its leaves were changed, through the library's own operations, in
/// `double`. Nodes are called by their indices on the tape that was written down.
class Replay {
  public:
    /// Throws `std::invalid_argument` when a node that is asked for is none of its lines.
    explicit Replay(Transcript transcript);

    /// The elements of a parameter or an input, to be changed before the next run. Throws
    /// `std::invalid_argument` for a node that is none.
    std::span<double> elements(NodeIndex node);
    /// Computes all from the leaves as they are. Throws what operations and studies throw; of a spectrum that
    /// is not finite there is none.
    void run();

    // By the last run.

    /// The value of a node, null of one that has none.
    const Tensor<double>* value(NodeIndex node) const { return find(values_, node); }
    /// The cotangent of a node, null of one that has none.
    const Tensor<double>* cotangent(NodeIndex node) const { return find(cotangents_, node); }
    const PlayedFigures& figures() const { return figures_; }

  private:
    using Tensors = std::unordered_map<NodeIndex, Tensor<double>>;
    static const Tensor<double>* find(const Tensors& tensors, NodeIndex node) {
        const auto found = tensors.find(node);
        return found == tensors.end() ? nullptr : &found->second;
    }

    std::size_t place_of(NodeIndex node) const;
    Played record(std::size_t place, const std::vector<Played>& before);
    void record_all(std::vector<Played>& played);

    Transcript transcript_;
    std::unordered_map<NodeIndex, std::size_t> places_;  ///< of the recorded nodes, among the lines
    std::unordered_map<NodeIndex, Parameter<double>> parameters_;
    Tensors values_;
    Tensors cotangents_;
    PlayedFigures figures_;
};

}  // namespace tapeloop::detail
