#pragma once

#include "learner.hpp"

#include <optim/optimizer.hpp>

#include <memory>

namespace char_rnn {

/// Those who train one model together: the ranks, when the program was started by `mpirun`; otherwise this
/// process. `char_rnn` links no MPI, which takes time and memory at every start: there is another program
/// beside it, with the same sources but for this class, that it starts in its place.
class Together {
  public:
    /// Starts with batches in so many parts; 0: in eight on ranks, and whole in a process of its own. All but
    /// the first are silent. Where the other program has to be started, it gets the same `arguments`. Throws
    /// `std::invalid_argument` when there is none.
    Together(std::size_t shards, char** arguments);
    ~Together();
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;

    /// Returns whether there is a program with MPI.
    static bool is_possible();
    /// The parts of a batch; 0 when it is whole.
    std::size_t shards() const { return shards_; }
    /// Returns how many they are.
    std::size_t count() const;
    /// Returns whether this is the one that prints and writes files.
    bool is_first() const;
    /// Returns this one's part in the training, which refers to all it is given.
    std::unique_ptr<Learner> learner(const LanguageModel& model, const ParameterList<float>& parameters,
                                     tapeloop::optim::Optimizer<float>& optimizer) const;

  private:
    struct Connection;

    /// Returns whether one of those who start ranks has started this process: Open MPI, MPICH, Slurm.
    static bool is_started_as_rank();

    std::size_t shards_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace char_rnn
