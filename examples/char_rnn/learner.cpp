#include "learner.hpp"

#include <autograd/program.hpp>
#include <nn/losses/losses.hpp>

#include <optional>
#include <utility>

namespace char_rnn {
namespace {

Var<float> sum_of_losses(Reader& reader, const Indices& characters, const Indices& targets) {
    return tapeloop::nn::softmax_cross_entropy(reader.read(characters), targets,
                                               {tapeloop::nn::Reduction::sum});
}

/// The loss per character of stretches of one shape, which was recorded once and runs again for each.
class RecordedLoss {
  public:
    RecordedLoss(Reader& reader, const Stretch& stretch, const ParameterList<float>& parameters)
        : reader_(reader),
          characters_(characters_of(stretch)),
          targets_(targets_of(stretch)),
          loss_(sum_of_losses(reader, characters_, targets_) / static_cast<double>(stretch.targets.size())),
          program_(loss_, parameters) {}

    bool fits(const Stretch& stretch) const {
        return characters_.shape() == tapeloop::Shape{stretch.steps, stretch.batch};
    }
    void run(const Stretch& stretch) {
        reader_.set_start(program_);
        program_.set(characters_, characters_of(stretch));
        program_.set(targets_, targets_of(stretch));
        program_.run();
    }
    Learned learned() { return {static_cast<double>(loss_.item()), program_.gradients()}; }

  private:
    tapeloop::Tape<float> tape_;
    Reader& reader_;
    Indices characters_;
    Indices targets_;
    Var<float> loss_;
    tapeloop::Program<float> program_;
};

class Alone : public Learner {
  public:
    Alone(const LanguageModel& model, ParameterList<float> parameters)
        : parameters_(std::move(parameters)), reader_(model.reader()) {}

    Learned learn(const Stretch& stretch) override {
        if (loss_.has_value() && loss_->fits(stretch))
            loss_->run(stretch);
        else
            loss_.emplace(*reader_, stretch, parameters_);
        reader_->move_on();
        return loss_->learned();
    }
    void begin(std::size_t lanes) override { reader_->begin(lanes); }
    void add_to(tapeloop::nn::Checkpoint<float>& checkpoint) override {
        reader_->add_to(checkpoint, "state");
    }

  private:
    ParameterList<float> parameters_;
    std::unique_ptr<Reader> reader_;
    std::optional<RecordedLoss> loss_;
};

}  // namespace

Var<float> total_loss(Reader& reader, const Stretch& stretch) {
    const Var<float> loss = sum_of_losses(reader, characters_of(stretch), targets_of(stretch));
    reader.move_on();
    return loss;
}

std::unique_ptr<Learner> learner_alone(const LanguageModel& model, ParameterList<float> parameters) {
    return std::make_unique<Alone>(model, std::move(parameters));
}

}  // namespace char_rnn
