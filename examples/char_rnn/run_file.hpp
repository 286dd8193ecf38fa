#pragma once

#include "../program/output_file.hpp"
#include "progress.hpp"

#include <nn/files/checkpoint/checkpoint.hpp>

#include <optional>
#include <string>

namespace char_rnn {

/// The file in which a run is saved now and then; without one nothing is.
class RunFile {
  public:
    /// It is due every so many minutes, each after the one before was written.
    RunFile(const std::optional<program::OutputFile>& file, double minutes)
        : file_(file), minutes_(minutes) {}

    bool is_due() const { return file_ && watch_.seconds() > 60 * minutes_; }
    /// Saves. Where that fails the file that was there stays, and the next one is tried again.
    void save(const tapeloop::nn::Checkpoint<float>& checkpoint);
    /// Returns why the file lacks the last state; empty when it has it.
    const std::string& problem() const { return problem_; }

  private:
    std::optional<program::OutputFile> file_;
    double minutes_;
    Stopwatch watch_;
    std::string problem_;
};

}  // namespace char_rnn
