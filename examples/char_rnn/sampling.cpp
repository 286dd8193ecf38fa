#include "sampling.hpp"

#include <algorithm>
#include <cmath>

namespace char_rnn {
namespace {

std::ptrdiff_t draw(std::span<const float> logits, double temperature, tapeloop::nn::Generator& generator) {
    const double largest = *std::ranges::max_element(logits);
    std::vector<double> sums;
    double sum = 0;
    for (const float logit : logits) sums.push_back(sum += std::exp((logit - largest) / temperature));
    const double drawn = generator.uniform() * sum;
    return std::min(std::ranges::upper_bound(sums, drawn), sums.end() - 1) - sums.begin();
}

}  // namespace

Ids sample(const LanguageModel& model, IdSpan start, std::size_t count, double temperature,
           tapeloop::nn::Generator& generator) {
    const std::unique_ptr<Reader> reader = model.reader();
    Ids read(start.begin(), start.end());
    Ids written;
    while (written.size() < count) {
        tapeloop::Tape<float> tape;
        const tapeloop::Paused<float> no_gradients;
        const auto logits = reader->read(Indices(read).reshaped({read.size(), 1})).array().elements();
        reader->move_on();
        const std::size_t vocabulary_size = logits.size() / read.size();
        written.push_back(draw(logits.last(vocabulary_size), temperature, generator));
        read = {written.back()};
    }
    return written;
}

}  // namespace char_rnn
