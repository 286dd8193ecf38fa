#pragma once

#include "model.hpp"
#include "options.hpp"
#include "text.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace char_rnn {

/// What a run was begun with, as far as it has to be the same when it goes on.
struct Settings {
    /// `epochs` are those that are planned.
    static Settings of(const Options& options, const Vocabulary& vocabulary, IdSpan text, std::size_t epochs);

    void add_to(tapeloop::nn::Checkpoint<float>& checkpoint);

    std::string cell;
    std::size_t hidden = 0;
    std::size_t steps = 0;
    std::size_t batch = 0;
    std::size_t epochs = 0;
    double learning_rate = 0;
    std::uint64_t seed = 0;
    std::size_t shards = 0;       ///< the parts of a batch; 0 when it is whole
    std::string characters;       ///< of the vocabulary, in UTF-8
    std::uint64_t text_size = 0;  ///< in characters
    std::uint64_t text_hash = 0;
};

/// A checkpoint that an earlier run has saved, read whole.
class SavedRun {
  public:
    /// Throws `std::invalid_argument`, beginning with `flag`, when the file cannot be read or is no
    /// checkpoint of this program.
    SavedRun(std::string flag, std::filesystem::path file);

    const Settings& settings() const { return settings_; }
    /// The characters that the model knows.
    Vocabulary vocabulary() const;
    /// Returns options with those of the run; only --epochs may be given anew. Throws `std::invalid_argument`
    /// when another was given that differs.
    Options applied_to(Options options) const;
    /// Throws `std::invalid_argument` unless it is the text that the run learns.
    void require_text(IdSpan text) const;

    /// Each throws `std::invalid_argument`, and changes nothing, when the file has something else.
    void restore(tapeloop::nn::Checkpoint<float>& checkpoint) const;
    void restore_weights(LanguageModel& model) const;

  private:
    template <class Work>
    auto in_its_name(const Work& work) const;

    std::string flag_;
    std::filesystem::path file_;
    tapeloop::nn::NamedArrays saved_;
    Settings settings_;
};

}  // namespace char_rnn
