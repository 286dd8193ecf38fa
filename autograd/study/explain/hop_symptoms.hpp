#pragma once

#include <autograd/study/explain/explain.hpp>
#include <autograd/study/flow/gradient_path.hpp>

#include <unordered_map>

/// This file says what makes one operation shrink, stretch or stop a cotangent.
namespace tapeloop::detail {

struct Symptom {
    Cause cause;
    std::string text;  ///< what was seen there, in words; may be empty
};

template <class T>
class HopSymptoms {
  public:
    HopSymptoms(Tape<T>& tape, const Cotangents<T>& cotangents) : tape_(tape), cotangents_(cotangents) {}

    /// The symptom of the factor of a hop.
    Symptom of(const Hop& hop);

  private:
    Symptom of_stop(const Hop& hop);
    Symptom of_product(const Hop& hop);
    Symptom of_factor(const Hop& hop);
    Symptom of_map(const Hop& hop) const;
    std::optional<Symptom> of_limits(const Hop& hop) const;
    std::optional<Symptom> of_switch(const Hop& hop) const;
    bool hands_nothing_on(const Hop& hop) const;
    bool is_added(const Hop& hop) const;
    bool is_gate_factor(NodeIndex factor) const;
    double spectral_norm_of(NodeIndex matrix);
    std::string described(NodeIndex node) const;
    /// The other argument of an operation with two; the same one where both are.
    NodeIndex other_argument(const Hop& hop) const;
    const Description& operation(NodeIndex node) const { return tape_.node(node).operation->description(); }
    std::span<const T> value(NodeIndex node) const {
        return {tape_.node(node).data, tape_.node(node).shape.size()};
    }

    Tape<T>& tape_;
    const Cotangents<T>& cotangents_;
    std::unordered_map<NodeIndex, double> spectral_norms_;
};

extern template class HopSymptoms<float>;
extern template class HopSymptoms<double>;

}  // namespace tapeloop::detail
