#include "batches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace char_rnn {

Stretch lanes_of(const Stretch& stretch, std::size_t begin, std::size_t end) {
    Stretch part{stretch.steps, end - begin, {}, {}};
    for (std::size_t t = 0; t < stretch.steps; ++t) {
        const auto first = static_cast<std::ptrdiff_t>(t * stretch.batch + begin);
        const auto last = static_cast<std::ptrdiff_t>(t * stretch.batch + end);
        part.characters.insert(part.characters.end(), stretch.characters.begin() + first,
                               stretch.characters.begin() + last);
        part.targets.insert(part.targets.end(), stretch.targets.begin() + first,
                            stretch.targets.begin() + last);
    }
    return part;
}

tapeloop::Indices characters_of(const Stretch& stretch) {
    return tapeloop::Indices(stretch.characters).reshaped({stretch.steps, stretch.batch});
}

tapeloop::Indices targets_of(const Stretch& stretch) {
    return tapeloop::Indices(stretch.targets).reshaped({stretch.steps, stretch.batch});
}

Lanes::Lanes(IdSpan text, std::size_t lanes, std::size_t steps)
    : text_(text), lanes_(lanes), steps_(steps), length_((text.size() - 1) / lanes) {}

Stretch Lanes::stretch(std::size_t index) const {
    const std::size_t begin = index * steps_;
    const std::size_t steps = std::min(steps_, length_ - begin);
    Stretch stretch{steps, lanes_, {}, {}};
    stretch.characters.reserve(steps * lanes_);
    stretch.targets.reserve(steps * lanes_);
    for (std::size_t t = begin; t < begin + steps; ++t) {
        for (std::size_t lane = 0; lane < lanes_; ++lane) {
            stretch.characters.push_back(text_[lane * length_ + t]);
            stretch.targets.push_back(text_[lane * length_ + t + 1]);
        }
    }
    return stretch;
}

Split split(IdSpan text, std::size_t batch, std::size_t steps) {
    const std::size_t tenth =
        std::min<std::size_t>(text.size() / 10, 100'000) / held_out_lanes * held_out_lanes;
    const std::size_t held_out = std::max(tenth, held_out_lanes);
    const std::size_t needed = batch * steps + 1 + held_out;
    if (text.size() < needed)
        throw std::invalid_argument(
            fmt::format("the text has {} characters; one batch (--batch {} times --steps {}) and the "
                        "held-out part take {}: "
                        "give a longer text, or a smaller --batch or --steps",
                        text.size(), batch, steps, needed));
    const std::size_t boundary = text.size() - held_out;
    return {text.first(boundary), text.subspan(boundary - 1)};
}

Lanes training_lanes(IdSpan training, std::size_t batch, std::size_t steps, std::size_t shift) {
    const std::size_t stretch = batch * steps;
    const std::size_t used = (training.size() - 1) / stretch * stretch;
    const std::size_t spare = training.size() - 1 - used;
    return Lanes(training.subspan(shift % (spare + 1), used + 1), batch, steps);
}

}  // namespace char_rnn
