#include "run_file.hpp"

#include <fmt/format.h>

#include <exception>

namespace char_rnn {

void RunFile::save(const tapeloop::nn::Checkpoint<float>& checkpoint) {
    if (!file_) return;
    try {
        checkpoint.save(file_->path());
        problem_.clear();
    } catch (const std::exception& error) {
        problem_ = fmt::format("--checkpoint '{}' was not written: {}", file_->path().string(), error.what());
    }
    watch_ = Stopwatch();
}

}  // namespace char_rnn
