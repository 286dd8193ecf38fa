#include "together.hpp"

#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace char_rnn {
namespace {

/// The program with MPI, which has `together_on_ranks.cpp` in place of this file.
std::filesystem::path program_with_mpi() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).replace_filename("char_rnn_mpi");
}

}  // namespace

struct Together::Connection {};

Together::Together(std::size_t shards, char** arguments) : shards_(0) {
    if (shards == 0 && !is_started_as_rank()) return;
    execv(program_with_mpi().c_str(), arguments);
    if (shards > 0)
        throw std::invalid_argument(
            "--shards: there is no char_rnn_mpi beside the program; install MPI and build again");
}
Together::~Together() = default;
bool Together::is_possible() {
    std::error_code error;
    return std::filesystem::exists(program_with_mpi(), error);
}
std::size_t Together::count() const { return 1; }
bool Together::is_first() const { return true; }

std::unique_ptr<Learner> Together::learner(const LanguageModel& model, const ParameterList<float>& parameters,
                                           tapeloop::optim::Optimizer<float>& /*optimizer*/) const {
    return learner_alone(model, parameters);
}

}  // namespace char_rnn
