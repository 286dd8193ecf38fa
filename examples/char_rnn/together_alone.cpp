#include "together.hpp"

/// This file stands in for `together_on_ranks.cpp` where there is no MPI.
namespace char_rnn {

struct Together::Connection {};

Together::Together(std::size_t /*shards*/) : shards_(0) {}
Together::~Together() = default;
bool Together::is_possible() { return false; }
std::size_t Together::count() const { return 1; }
bool Together::is_first() const { return true; }

std::unique_ptr<Learner> Together::learner(const LanguageModel& model, const ParameterList<float>& parameters,
                                           tapeloop::optim::Optimizer<float>& /*optimizer*/) const {
    return learner_alone(model, parameters);
}

}  // namespace char_rnn
