#pragma once

#include "text.hpp"

#include <autograd/ops/index.hpp>
#include <nn/losses/losses.hpp>

namespace char_rnn {

/// Characters and those that follow them, both [steps, batch], time first.
struct Stretch {
    std::size_t steps;
    std::size_t batch;
    Ids characters;
    Ids targets;
};

/// Some of the lanes: [begin, end).
Stretch lanes_of(const Stretch& stretch, std::size_t begin, std::size_t end);

tapeloop::Indices characters_of(const Stretch& stretch);
tapeloop::Indices targets_of(const Stretch& stretch);

/// A text cut into lanes of equal length that are read side by side, one stretch of time steps after the
/// other; what a stretch leaves as its state is where the next one begins. Of n characters n - 1 are
/// predicted, less the remainder of the division by the number of lanes. It refers to the text.
class Lanes {
  public:
    Lanes(IdSpan text, std::size_t lanes, std::size_t steps);

    /// The number of stretches; the last one may have fewer steps.
    std::size_t stretches() const { return (length_ + steps_ - 1) / steps_; }
    Stretch stretch(std::size_t index) const;
    std::size_t lanes() const { return lanes_; }
    std::size_t predictions() const { return lanes_ * length_; }

  private:
    IdSpan text_;
    std::size_t lanes_;
    std::size_t steps_;
    std::size_t length_;
};

/// The text's last tenth is held out, or the last 100,000 characters if that is less.
struct Split {
    IdSpan training;
    /// It begins with the last character of the training part, which is where the first prediction starts
    /// from, and is one longer than a multiple of `held_out_lanes`, so that every character after it is
    /// scored.
    IdSpan held_out;
};
inline constexpr std::size_t held_out_lanes = 8;

/// Throws `std::invalid_argument` when the training part does not fill one batch of `steps` by `batch`.
Split split(IdSpan text, std::size_t batch, std::size_t steps);

/// The lanes of an epoch: whole stretches only, beginning at `shift` modulo what would be left over, so that
/// no character is skipped in every epoch.
Lanes training_lanes(IdSpan training, std::size_t batch, std::size_t steps, std::size_t shift);

}  // namespace char_rnn
