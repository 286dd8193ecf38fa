#pragma once

#include <autograd/study/play/transcript.hpp>
#include <autograd/tape.hpp>

namespace tapeloop::detail {

/// Writes down all that is recorded on a tape: the leaves with their elements, and each operation as what
/// computes the same in ONNX. Throws `std::invalid_argument`, naming operation and place, when one says no
/// counterpart there, as a `map` that was recorded as one operation.
template <class T>
std::vector<TranscriptLine> transcribed(Tape<T>& tape);

extern template std::vector<TranscriptLine> transcribed(Tape<float>&);
extern template std::vector<TranscriptLine> transcribed(Tape<double>&);

}  // namespace tapeloop::detail
