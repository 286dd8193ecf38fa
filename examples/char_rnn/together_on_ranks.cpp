#include "together.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <autograd/kernels/threads.hpp>
#include <optim/mpi/mpi.hpp>

#include <span>
#include <vector>

namespace char_rnn {
namespace {

using tapeloop::optim::DataParallel;
using tapeloop::optim::Ranks;
using tapeloop::optim::Shard;
using tapeloop::optim::ShardLoss;

constexpr std::size_t usual_shards = 8;

void be_silent() {
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere == -1) return;
    dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
}

/// Each shard reads lanes of its own from stretch to stretch.
class OnRanks : public Learner {
  public:
    OnRanks(Ranks& ranks, std::size_t shards, const LanguageModel& model,
            const ParameterList<float>& parameters, tapeloop::optim::Optimizer<float>& optimizer)
        : ranks_(ranks), parallel_(ranks, parameters, optimizer, {.shards = shards}) {
        for (std::size_t shard = 0; shard < shards; ++shard) readers_.push_back(model.reader());
    }

    Learned learn(const Stretch& stretch) override {
        auto [nats, count, gradients] = parallel_.gradient(stretch.batch, [&](const Shard& shard) {
            const Stretch part = lanes_of(stretch, shard.begin, shard.end);
            return ShardLoss(total_loss(*readers_[shard.index], part), part.targets.size());
        });
        return {nats, std::move(gradients)};
    }
    void begin(std::size_t lanes) override {
        for (std::size_t shard = 0; shard < readers_.size(); ++shard)
            readers_[shard]->begin(parallel_.rows_of(lanes, shard));
    }
    void add_to(tapeloop::nn::Checkpoint<float>& checkpoint) override {
        for (std::size_t shard = 0; shard < readers_.size(); ++shard)
            readers_[shard]->add_to(checkpoint, fmt::format("state/{}", shard));
    }
    void collect_state() override {
        for (std::size_t shard = 0; shard < readers_.size(); ++shard) {
            tapeloop::nn::Checkpoint<float> of_reader;
            readers_[shard]->add_to(of_reader, "state");
            tapeloop::nn::NamedArrays state = of_reader.state();
            const auto share = [&](auto& array) {
                ranks_.broadcast(std::span(array.data(), array.size()), parallel_.owner(shard));
            };
            for (auto& named : state.arrays) std::visit(share, named.second);
            of_reader.restore(state);
        }
    }
    Next agreed(const Next& own) override {
        Next next = own;
        ranks_.broadcast(std::span(&next, 1));
        return next;
    }
    bool is_first() const override { return ranks_.is_first(); }

  private:
    Ranks& ranks_;
    DataParallel<float> parallel_;
    std::vector<std::unique_ptr<Reader>> readers_;  // of all shards; another rank's are behind
};

}  // namespace

struct Together::Connection {
    Ranks ranks;
};

Together::Together(std::size_t shards, char** /*arguments*/)
    : shards_(shards == 0 && is_started_as_rank() ? usual_shards : shards),
      connection_(shards_ == 0 ? nullptr : std::make_unique<Connection>()) {
    // Ranks are what uses the cores, and each learns the same however many there are.
    if (connection_ != nullptr) tapeloop::limit_threads(1);
    if (!is_first()) be_silent();
}
Together::~Together() = default;
bool Together::is_possible() { return true; }
std::size_t Together::count() const { return connection_ == nullptr ? 1 : connection_->ranks.count(); }
bool Together::is_first() const { return connection_ == nullptr || connection_->ranks.is_first(); }

std::unique_ptr<Learner> Together::learner(const LanguageModel& model, const ParameterList<float>& parameters,
                                           tapeloop::optim::Optimizer<float>& optimizer) const {
    if (connection_ == nullptr) return learner_alone(model, parameters);
    return std::make_unique<OnRanks>(connection_->ranks, shards_, model, parameters, optimizer);
}

}  // namespace char_rnn
