#include "training.hpp"

#include "../program/interruption.hpp"
#include "progress.hpp"

#include <fmt/format.h>
#include <nn/generator.hpp>
#include <optim/adam.hpp>
#include <optim/clip_by_norm.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace char_rnn {
namespace {

using namespace tapeloop;

constexpr double largest_gradient = 1;
constexpr double last_rate = 0.1;  // of the first
constexpr std::size_t curve_points = 20;
constexpr std::size_t recent_batches = 51;

/// A training run on its way.
class Training {
  public:
    Training(LanguageModel& model, const Split& text, const Options& options, const Kept& kept)
        : model_(model),
          text_(text),
          options_(options),
          kept_(kept),
          curve_(kept.curve),
          parameters_(model.parameters()),
          adam_(parameters_, {.learning_rate = options.learning_rate}),
          shifts_(options.seed + 1),
          epochs_(planned_epochs(options, text.training.size(), parameters_.value_count())),
          steps_per_epoch_((text.training.size() - 1) / (options.batch * options.steps)),
          learner_(kept.together.learner(model, parameters_, adam_)) {
        learner_->begin(options.batch);
        add_to_checkpoint();
    }

    void go_on_from(const SavedRun& earlier) {
        earlier.restore(checkpoint_);
        kept_.settings.epochs = epochs_;
        seconds_before_ = seconds_;
        fraction_before_ = fraction_of_steps();
        lanes_.emplace(lanes());
        if (stretch_ >= lanes_->stretches() || recent_bits_.size() != recent_batches)
            throw std::invalid_argument("--resume: the place in the text is none; was the file changed?");
        std::vector<LossCurve::Point> points;
        for (std::size_t i = 0; i + 3 < curve_table_.size(); i += 4)
            points.push_back({static_cast<std::size_t>(curve_table_[i]), curve_table_[i + 1],
                              curve_table_[i + 2], curve_table_[i + 3]});
        points_before_ = points.size();
        curve_.restore(std::move(points));
    }

    TrainingResult run() {
        if (kept_.page != nullptr) kept_.page->record(step_);
        while (epoch_ < epochs_ && goes_on()) read_next();
        bar_.finish();
        if (ended_ != Ended::diverged) save();
        if (curve_.points().empty() || curve_.points().back().step != step_) add_to_curve(mean_bits());
        return {step_, seconds(), characters_per_second(), ended_, curve_.points().back().held_out_bits};
    }

  private:
    std::size_t planned_steps() const { return epochs_ * steps_per_epoch_; }
    bool goes_on() {
        if (ended_ == Ended::as_planned && interruption_.asked()) ended_ = Ended::interrupted;
        if (ended_ == Ended::as_planned && watch_.seconds() > 60 * options_.minutes)
            ended_ = Ended::out_of_time;
        const Next next = learner_->agreed({static_cast<int>(ended_), kept_.file.is_due()});
        ended_ = static_cast<Ended>(next.ended);
        save_is_due_ = next.is_saved;
        return ended_ == Ended::as_planned;
    }
    /// Of this run and those that it goes on from.
    double seconds() const { return seconds_before_ + watch_.seconds(); }
    double fraction_of_steps() const {
        return static_cast<double>(step_) / static_cast<double>(planned_steps());
    }
    double fraction() const {
        const double of_time = watch_.seconds() / (60 * options_.minutes);
        return std::min(1.0,
                        std::max(fraction_of_steps(), fraction_before_ + (1 - fraction_before_) * of_time));
    }
    /// Earlier runs may have had less time, and more points than their part of the steps.
    bool point_is_due() const {
        const auto due = [](double fraction) { return static_cast<std::size_t>(fraction * curve_points); };
        return due(fraction()) > due(fraction_before_) + curve_.points().size() - points_before_;
    }
    double learning_rate() const {
        return options_.learning_rate * (1 - (1 - last_rate) * fraction_of_steps());
    }
    double mean_bits() const { return steps_since_point_ == 0 ? 0 : bits_since_point_ / steps_since_point_; }

    Lanes lanes() const { return training_lanes(text_.training, options_.batch, options_.steps, shift_); }

    void read_next() {
        if (stretch_ == 0) {
            shift_ = epoch_ == 0 ? 0 : shifts_.bits();
            lanes_.emplace(lanes());
            learner_->begin(options_.batch);
        }
        learn(lanes_->stretch(stretch_));
        if (ended_ == Ended::diverged) return;
        if (bar_.due()) bar_.show(fraction(), progress_text());
        if (learner_->is_first() && point_is_due()) add_to_curve(mean_bits());
        if (++stretch_ == lanes_->stretches()) {
            stretch_ = 0;
            ++epoch_;
        }
        if (save_is_due_) save();
    }

    void add_to_checkpoint() {
        kept_.settings.add_to(checkpoint_);
        checkpoint_.add("model", parameters_);
        checkpoint_.add("adam", adam_);
        checkpoint_.add("shifts", shifts_);
        checkpoint_.add("generator", kept_.generator);
        learner_->add_to(checkpoint_);
        checkpoint_.add("place/epoch", epoch_);
        checkpoint_.add("place/stretch", stretch_);
        checkpoint_.add("place/shift", shift_);
        checkpoint_.add("place/step", step_);
        checkpoint_.add("shown/seconds", seconds_);
        checkpoint_.add("shown/training_seconds", training_seconds_);
        checkpoint_.add("shown/recent_bits", recent_bits_);
        checkpoint_.add("shown/bits_since_point", bits_since_point_);
        checkpoint_.add("shown/steps_since_point", steps_since_point_);
        checkpoint_.add("shown/curve", curve_table_);
    }

    void save() {
        seconds_ = seconds();
        curve_table_.clear();
        for (const LossCurve::Point& point : curve_.points())
            curve_table_.insert(curve_table_.end(), {static_cast<double>(point.step), point.seconds,
                                                     point.training_bits, point.held_out_bits});
        learner_->collect_state();
        kept_.file.save(checkpoint_);
    }

    void learn(const Stretch& stretch) {
        const Stopwatch watch;
        auto [nats, gradients] = learner_->learn(stretch);
        const double bits = nats / std::numbers::ln2;
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
        std::vector<double> bits = recent_bits_;
        const auto end = bits.begin() + static_cast<std::ptrdiff_t>(std::min(step_, bits.size()));
        const auto middle = bits.begin() + (end - bits.begin()) / 2;
        std::nth_element(bits.begin(), middle, end);
        return *middle;
    }

    std::size_t characters_per_second() const {
        const auto characters = static_cast<double>(step_ * options_.batch * options_.steps);
        return step_ == 0 ? 0 : static_cast<std::size_t>(characters / training_seconds_);
    }

    std::string progress_text() const {
        const double done = fraction() - fraction_before_;  // of all, in this run
        const double left = watch_.seconds() * (1 - fraction()) / std::max(done, 1e-9);
        return fmt::format("epoch {} of {}, {:.2f} bits/char, {} chars/s, {} left", epoch_ + 1, epochs_,
                           median_bits(), grouped(characters_per_second()), clock_time(left));
    }

    void add_to_curve(double training_bits) {
        const double bits = held_out_bits(model_, text_.held_out, options_.steps);
        curve_.add({step_, seconds(), training_bits, bits});
        if (kept_.page != nullptr) kept_.page->record(step_);
        bits_since_point_ = 0;
        steps_since_point_ = 0;
    }

    LanguageModel& model_;
    Split text_;
    const Options& options_;
    Kept kept_;
    LossCurve& curve_;
    ParameterList<float> parameters_;
    optim::Adam<float> adam_;
    nn::Generator shifts_;
    std::size_t epochs_;
    std::size_t steps_per_epoch_;
    std::unique_ptr<Learner> learner_;
    std::optional<Lanes> lanes_;  // of the epoch
    nn::Checkpoint<float> checkpoint_;
    program::Interruption interruption_;
    Ended ended_ = Ended::as_planned;
    bool save_is_due_ = false;
    Stopwatch watch_;
    ProgressBar bar_;
    std::size_t epoch_ = 0;
    std::size_t stretch_ = 0;  // the next of the epoch
    std::uint64_t shift_ = 0;  // of the epoch's lanes
    std::size_t step_ = 0;
    double seconds_before_ = 0;  // of the runs that this one goes on from
    double fraction_before_ = 0;
    std::size_t points_before_ = 0;
    double seconds_ = 0;  // when it was saved, as the table of the curve
    std::vector<double> curve_table_;
    double training_seconds_ = 0;
    std::vector<double> recent_bits_ = std::vector<double>(recent_batches);
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

TrainingResult train(LanguageModel& model, const Split& text, const Options& options, const Kept& kept,
                     const SavedRun* earlier) {
    Training training(model, text, options, kept);
    if (earlier != nullptr) training.go_on_from(*earlier);
    return training.run();
}

}  // namespace char_rnn
