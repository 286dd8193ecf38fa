#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace char_rnn {

struct Options {
    std::filesystem::path file;
    std::string cell = "elman";
    std::size_t hidden = 256;
    std::size_t steps = 64;
    std::size_t batch = 32;
    double learning_rate = 0.004;
    std::size_t epochs = 0;  ///< 0: as many as the work allows, see `planned_epochs`
    std::uint64_t seed = 1;
    double temperature = 0.7;
    std::size_t sample = 600;
    double minutes = 2.5;
    std::filesystem::path output = ".";
    std::filesystem::path study;        ///< where the study page goes; empty for none
    std::filesystem::path checkpoint;   ///< where the run is saved; empty for nowhere
    double save_every = 1;              ///< minutes
    std::filesystem::path resume;       ///< the checkpoint to go on from; empty for a new run
    std::filesystem::path sample_from;  ///< the checkpoint that only writes text; empty to train
    std::size_t shards = 0;             ///< of a batch, for ranks; 0: as `Together` says
    std::string prime;                  ///< what a sample goes on from; empty for the training part's end
    std::set<std::string> given;        ///< the flags of the command line
};

/// Reads the command line; nothing when only help was asked for, which is then printed. Throws
/// `std::invalid_argument` with one line that names the flag and says what it takes.
std::optional<Options> parse_command_line(int count, char** arguments);

}  // namespace char_rnn
