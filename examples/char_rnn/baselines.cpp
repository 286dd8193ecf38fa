#include "baselines.hpp"

#include <cmath>
#include <unordered_map>

namespace char_rnn {
namespace {

/// The counts of how often each character followed a context.
struct Counts {
    std::unordered_map<std::ptrdiff_t, double> of;
    double total = 0;

    void add(std::ptrdiff_t character) {
        of[character] += 1;
        total += 1;
    }

    double smoothed(std::ptrdiff_t character, double coarser) const {
        if (total == 0) return coarser;
        const auto found = of.find(character);
        const double count = found == of.end() ? 0 : found->second;
        const auto distinct = static_cast<double>(of.size());
        return (count + distinct * coarser) / (total + distinct);
    }
};

}  // namespace

Baselines baselines(IdSpan training, IdSpan held_out, std::size_t vocabulary_size) {
    Counts alone;
    std::vector<Counts> after(vocabulary_size);
    for (std::size_t i = 0; i < training.size(); ++i) {
        alone.add(training[i]);
        if (i > 0) after[static_cast<std::size_t>(training[i - 1])].add(training[i]);
    }

    const double uniform = 1.0 / static_cast<double>(vocabulary_size);
    Baselines bits{0, 0};
    for (std::size_t i = 1; i < held_out.size(); ++i) {
        const double unigram = alone.smoothed(held_out[i], uniform);
        const auto previous = static_cast<std::size_t>(held_out[i - 1]);
        bits.unigram -= std::log2(unigram);
        bits.bigram -= std::log2(after[previous].smoothed(held_out[i], unigram));
    }
    const auto scored = static_cast<double>(held_out.size() - 1);
    return {bits.unigram / scored, bits.bigram / scored};
}

}  // namespace char_rnn
