#pragma once

#include "model.hpp"

#include <nn/generator.hpp>

namespace char_rnn {

/// `count` characters that the model writes after reading `start`, each drawn from the softmax of its logits
/// over `temperature`.
Ids sample(const LanguageModel& model, IdSpan start, std::size_t count, double temperature,
           tapeloop::nn::Generator& generator);

}  // namespace char_rnn
