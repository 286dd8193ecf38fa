#include "training.hpp"

#include "../program/interruption.hpp"
#include "progress.hpp"

#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <nn/generator.hpp>
#include <nn/losses/losses.hpp>
#include <optim/adam.hpp>
#include <optim/clip_by_norm.hpp>

#include <algorithm>
#include <array>
#include <numbers>
#include <stdexcept>

namespace char_rnn {
namespace {

using namespace tapeloop;

constexpr double largest_gradient = 1;
constexpr double last_rate = 0.1;  // of the first
constexpr std::size_t curve_points = 20;

/// The cross entropy of a stretch in nats, summed over its characters.
Var<float> total_loss(Reader& reader, const Stretch& stretch) {
    const Var<float> logits = reader.read(characters_of(stretch));
    return nn::softmax_cross_entropy(logits, targets_of(stretch), {nn::Reduction::sum});
}

/// A training run on its way.
class Training {
  public:
    Training(LanguageModel& model, const Split& text, const Options& options, LossCurve& curve)
        : model_(model),
          text_(text),
          options_(options),
          curve_(curve),
          parameters_(model.parameters()),
          adam_(parameters_, {.learning_rate = options.learning_rate}),
          shifts_(options.seed + 1),
          epochs_(planned_epochs(options, text.training.size(), parameters_.value_count())),
          steps_per_epoch_((text.training.size() - 1) / (options.batch * options.steps)) {}

    TrainingResult run() {
        for (std::size_t epoch = 0; epoch < epochs_ && goes_on(); ++epoch) read_once(epoch);
        bar_.finish();
        if (curve_.points().empty() || curve_.points().back().step != step_) add_to_curve(mean_bits());
        return {step_, watch_.seconds(), characters_per_second(), ended_,
                curve_.points().back().held_out_bits};
    }

  private:
    std::size_t planned_steps() const { return epochs_ * steps_per_epoch_; }
    bool goes_on() {
        if (ended_ == Ended::as_planned && interruption_.asked()) ended_ = Ended::interrupted;
        if (ended_ == Ended::as_planned && watch_.seconds() > 60 * options_.minutes)
            ended_ = Ended::out_of_time;
        return ended_ == Ended::as_planned;
    }
    double fraction_of_steps() const {
        return static_cast<double>(step_) / static_cast<double>(planned_steps());
    }
    double fraction() const {
        return std::min(1.0, std::max(fraction_of_steps(), watch_.seconds() / (60 * options_.minutes)));
    }
    double learning_rate() const {
        return options_.learning_rate * (1 - (1 - last_rate) * fraction_of_steps());
    }
    double mean_bits() const { return steps_since_point_ == 0 ? 0 : bits_since_point_ / steps_since_point_; }

    void read_once(std::size_t epoch) {
        const Lanes lanes =
            training_lanes(text_.training, options_.batch, options_.steps, epoch == 0 ? 0 : shifts_.bits());
        const std::unique_ptr<Reader> reader = model_.reader();
        for (std::size_t i = 0; i < lanes.stretches() && goes_on(); ++i) {
            learn(*reader, lanes.stretch(i));
            if (bar_.due()) bar_.show(fraction(), progress_text(epoch));
            const auto point = static_cast<std::size_t>(fraction() * curve_points);
            if (point > curve_.points().size()) add_to_curve(mean_bits());
        }
    }

    void learn(Reader& reader, const Stretch& stretch) {
        const Stopwatch watch;
        Tape<float> tape;
        const auto characters = static_cast<double>(stretch.targets.size());
        const Var<float> J = total_loss(reader, stretch) / characters;
        const double bits = static_cast<double>(J.item()) / std::numbers::ln2;
        Gradients<float> gradients = gradient(J, parameters_);
        try {
            optim::clip_by_norm(gradients, largest_gradient);
            adam_.set_learning_rate(learning_rate());
            adam_.step(gradients);
        } catch (const std::invalid_argument&) {  // a gradient is not finite
            ended_ = Ended::diverged;
            return;
        }
        bits_since_point_ += bits;
        steps_since_point_ += 1;
        recent_bits_[step_ % recent_bits_.size()] = bits;
        ++step_;
        training_seconds_ += watch.seconds();
    }

    /// Returns the median over the last batches: a single one may lie far outside.
    double median_bits() const {
        auto bits = recent_bits_;
        const auto end = bits.begin() + static_cast<std::ptrdiff_t>(std::min(step_, bits.size()));
        const auto middle = bits.begin() + (end - bits.begin()) / 2;
        std::nth_element(bits.begin(), middle, end);
        return *middle;
    }

    std::size_t characters_per_second() const {
        const auto characters = static_cast<double>(step_ * options_.batch * options_.steps);
        return step_ == 0 ? 0 : static_cast<std::size_t>(characters / training_seconds_);
    }

    std::string progress_text(std::size_t epoch) const {
        const double seconds = watch_.seconds();
        const double left = seconds * (1 - fraction()) / std::max(fraction(), 1e-9);
        return fmt::format("epoch {} of {}, {:.2f} bits/char, {} chars/s, {} left", epoch + 1, epochs_,
                           median_bits(), grouped(characters_per_second()), clock_time(left));
    }

    void add_to_curve(double training_bits) {
        const double bits = held_out_bits(model_, text_.held_out, options_.steps);
        curve_.add({step_, watch_.seconds(), training_bits, bits});
        bits_since_point_ = 0;
        steps_since_point_ = 0;
    }

    LanguageModel& model_;
    Split text_;
    const Options& options_;
    LossCurve& curve_;
    ParameterList<float> parameters_;
    optim::Adam<float> adam_;
    nn::Generator shifts_;
    std::size_t epochs_;
    std::size_t steps_per_epoch_;
    program::Interruption interruption_;
    Ended ended_ = Ended::as_planned;
    Stopwatch watch_;
    ProgressBar bar_;
    std::size_t step_ = 0;
    double training_seconds_ = 0;
    std::array<double, 51> recent_bits_{};
    double bits_since_point_ = 0;
    double steps_since_point_ = 0;
};

}  // namespace

double held_out_bits(const LanguageModel& model, IdSpan held_out, std::size_t steps) {
    const Lanes lanes(held_out, held_out_lanes, steps);
    const std::unique_ptr<Reader> reader = model.reader();
    double nats = 0;
    for (std::size_t i = 0; i < lanes.stretches(); ++i) {
        Tape<float> tape;
        const Paused<float> no_gradients;
        nats += static_cast<double>(total_loss(*reader, lanes.stretch(i)).item());
    }
    return nats / static_cast<double>(lanes.predictions()) / std::numbers::ln2;
}

std::size_t planned_epochs(const Options& options, std::size_t characters, std::size_t weights) {
    if (options.epochs > 0) return options.epochs;
    constexpr double work = 1e12;
    const double epochs = work / (static_cast<double>(characters) * static_cast<double>(weights));
    return static_cast<std::size_t>(std::clamp(epochs, 1.0, 50.0));
}

TrainingResult train(LanguageModel& model, const Split& text, const Options& options, LossCurve& curve) {
    return Training(model, text, options, curve).run();
}

}  // namespace char_rnn
