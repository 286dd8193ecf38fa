#pragma once

#include "model.hpp"

#include <autograd/gradient.hpp>

#include <memory>

namespace char_rnn {

/// The cross entropy of a stretch in nats, summed over its characters; the reader goes to the stretch's end.
Var<float> total_loss(Reader& reader, const Stretch& stretch);

/// The mean loss of a stretch in nats per character, and its gradients.
struct Learned {
    double nats;
    tapeloop::Gradients<float> gradients;
};

/// What all who train together do next.
struct Next {
    int ended;      ///< the reason why the training ends, or that it does not
    bool is_saved;  ///< after the next step
};

/// One who computes gradients, stretch by stretch: this process, or several together.
class Learner {
  public:
    virtual ~Learner() = default;
    virtual Learned learn(const Stretch& stretch) = 0;
    /// Begins anew with a text of so many lanes.
    virtual void begin(std::size_t lanes) = 0;
    /// Adds the state in which the text is read, once it has begun.
    virtual void add_to(tapeloop::nn::Checkpoint<float>& checkpoint) = 0;
    /// Makes that state whole, before it is saved.
    virtual void collect_state() {}
    /// Returns what the first of those who train together says, who alone has the clock and the keyboard.
    virtual Next agreed(const Next& own) { return own; }
    /// Returns whether this is the first.
    virtual bool is_first() const { return true; }
};

/// Returns one that records a stretch once and runs that again for others of its shape.
std::unique_ptr<Learner> learner_alone(const LanguageModel& model, ParameterList<float> parameters);

}  // namespace char_rnn
