#include "learner.hpp"

#include <nn/losses/losses.hpp>

#include <utility>

namespace char_rnn {
namespace {

class Alone : public Learner {
  public:
    Alone(const LanguageModel& model, ParameterList<float> parameters)
        : parameters_(std::move(parameters)), reader_(model.reader()) {}

    Learned learn(const Stretch& stretch) override {
        const tapeloop::Tape<float> tape;
        const Var<float> J = total_loss(*reader_, stretch) / static_cast<double>(stretch.targets.size());
        return {static_cast<double>(J.item()), gradient(J, parameters_)};
    }
    void begin(std::size_t lanes) override { reader_->begin(lanes); }
    void add_to(tapeloop::nn::Checkpoint<float>& checkpoint) override {
        reader_->add_to(checkpoint, "state");
    }

  private:
    ParameterList<float> parameters_;
    std::unique_ptr<Reader> reader_;
};

}  // namespace

Var<float> total_loss(Reader& reader, const Stretch& stretch) {
    const Var<float> logits = reader.read(characters_of(stretch));
    return tapeloop::nn::softmax_cross_entropy(logits, targets_of(stretch), {tapeloop::nn::Reduction::sum});
}

std::unique_ptr<Learner> learner_alone(const LanguageModel& model, ParameterList<float> parameters) {
    return std::make_unique<Alone>(model, std::move(parameters));
}

}  // namespace char_rnn
