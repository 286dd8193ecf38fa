#pragma once

#include <tests/numeric.hpp>

#include <autograd/gradient.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/files/checkpoint/checkpoint.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/losses.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/zoneout.hpp>
#include <optim/optim.hpp>

#include <functional>
#include <memory>
#include <numeric>
#include <set>

/// A training that depends on all that a checkpoint can hold.
namespace tapeloop::test {

template <class T>
using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer<T>>(const ParameterList<T>&)>;

template <class T>
struct NamedOptimizer {
    std::string name;
    MakeOptimizer<T> make;
};

/// Every optimizer, and the options with which it keeps more.
template <class T>
const std::vector<NamedOptimizer<T>>& every_optimizer() {
    const auto of = []<class O>(std::type_identity<O>, const auto&... options) -> MakeOptimizer<T> {
        return
            [=](const ParameterList<T>& parameters) { return std::make_unique<O>(parameters, options...); };
    };
    using std::type_identity;
    static const std::vector<NamedOptimizer<T>> list{
        {"adadelta", of(type_identity<optim::Adadelta<T>>())},
        {"adagrad", of(type_identity<optim::Adagrad<T>>(),
                       optim::AdagradOptions{.learning_rate_decay = 0.1, .initial_accumulator = 0.2})},
        {"adam", of(type_identity<optim::Adam<T>>(), optim::AdamOptions{.learning_rate = 0.02})},
        {"amsgrad",
         of(type_identity<optim::Adam<T>>(), optim::AdamOptions{.learning_rate = 0.02, .amsgrad = true})},
        {"adamax", of(type_identity<optim::Adamax<T>>())},
        {"adamw", of(type_identity<optim::AdamW<T>>(), optim::AdamWOptions{.learning_rate = 0.02})},
        {"lion", of(type_identity<optim::Lion<T>>(), optim::LionOptions{.learning_rate = 0.002})},
        {"nadam", of(type_identity<optim::NAdam<T>>())},
        {"rmsprop",
         of(type_identity<optim::RmsProp<T>>(), optim::RmsPropOptions{.momentum = 0.5, .centered = true})},
        {"sgd", of(type_identity<optim::Sgd<T>>())},
        {"momentum",
         of(type_identity<optim::Sgd<T>>(), optim::SgdOptions{.momentum = 0.9, .dampening = 0.1})},
    };
    return list;
}

template <class T>
const MakeOptimizer<T>& optimizer_named(const std::string& name) {
    for (const NamedOptimizer<T>& one : every_optimizer<T>())
        if (one.name == name) return one.make;
    throw std::invalid_argument("no optimizer " + name);
}

struct RunOptions {
    std::set<std::string> left_out{};  ///< of the checkpoint
    std::size_t hidden = 3;
};

/// Dropout in front of an LSTM with zoneout and recurrent dropout, whose state is carried from batch to
/// batch; rows in an order that is drawn; the averaged weights are validated, and the rate falls on a
/// plateau.
template <class T>
class TrainingRun {
    using Cell = nn::RecurrentDropout<nn::Zoneout<nn::LstmCell<T>>>;
    static constexpr std::size_t time = 3;
    static constexpr std::size_t batch = 2;
    static constexpr std::size_t rows = 6;

  public:
    explicit TrainingRun(const MakeOptimizer<T>& make, const RunOptions& options = {})
        : cell_(nn::Zoneout(nn::LstmCell<T>(2, options.hidden, generator_), {0.2, 0.1}), 0.3),
          output_(options.hidden, 1, generator_),
          optimizer_(make(parameters())),
          average_(parameters(), {.decay = 0.8, .start = optim::AverageStart::warm_up}),
          plateau_(
              {.learning_rate = optimizer_->learning_rate(), .factor = 0.7, .patience = 1, .cooldown = 1}),
          state_(start()) {
        Random random("rows of a training");
        for (std::size_t row = 0; row < rows; ++row) data_.push_back(rounded<T>(random.tensor({time, 2})));
        const auto add = [&](const std::string& name, auto& item) {
            if (!options.left_out.contains(name)) checkpoint.add(name, item);
        };
        ParameterList<T> list = parameters();
        add("model", list);
        add("optimizer", *optimizer_);
        add("average", average_);
        add("plateau", plateau_);
        add("generator", generator_);
        add("state", state_);
        add("order", order_);
        add("place", place_);
        add("losses", losses_);
    }
    TrainingRun(const TrainingRun&) = delete;
    TrainingRun& operator=(const TrainingRun&) = delete;

    /// Makes steps until there are so many.
    void advance_to(std::uint64_t steps) {
        while (optimizer_->steps() < steps) advance();
    }
    /// The losses of all steps and validations, and the weights: all that a training is for.
    nn::NamedArrays results() {
        nn::Checkpoint<T> outcome;
        outcome.add("model", parameters());
        outcome.add("losses", losses_);
        outcome.add("order", order_);
        return outcome.state();
    }
    std::uint64_t steps() const { return optimizer_->steps(); }
    optim::WeightAverage<T>& average() { return average_; }
    Parameter<T>& U() { return cell_.inner.inner.U; }

    nn::Checkpoint<T> checkpoint;

  private:
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("lstm", cell_.parameters());
        list.add("output", output_.parameters());
        return list;
    }
    nn::Carried<nn::StateOf<Cell>> start() {
        const nn::Training training(generator_);
        const Tape<T> tape;
        return nn::carry(cell_.initial_state(batch));
    }
    Tensor<T> next_rows() {
        if (place_ + batch > rows) {
            for (std::size_t i = rows; i > 1; --i) std::swap(order_[i - 1], order_[generator_.below(i)]);
            place_ = 0;
            state_ = start();
        }
        Tensor<T> x = tapeloop::detail::uninitialised<T>({time, batch, 2});
        for (std::size_t t = 0; t < time; ++t)
            for (std::size_t b = 0; b < batch; ++b)
                for (std::size_t i = 0; i < 2; ++i)
                    x(t, b, i) = data_[static_cast<std::size_t>(order_[place_ + b])](t, i);
        place_ += batch;
        return x;
    }
    /// The sum of what was read, up to each time step.
    static Tensor<T> target(const Tensor<T>& x) {
        Tensor<T> y = tapeloop::detail::zeros<T>({time, batch, 1});
        for (std::size_t t = 0; t < time; ++t)
            for (std::size_t b = 0; b < batch; ++b)
                y(t, b, 0) = x(t, b, 0) - x(t, b, 1) + (t == 0 ? T(0) : y(t - 1, b, 0));
        return y;
    }
    Var<T> loss(const Tensor<T>& x) {
        const Var<T> read = nn::Dropout{.rate = 0.2}(input(x));
        const auto result = nn::unroll(cell_, read, nn::resume(state_));
        state_ = nn::carry(result.state);
        return nn::mean_squared_error(output_(result.outputs), target(x));
    }
    void advance() {
        Tensor<T> x = next_rows();
        x.data()[0] += static_cast<T>(0.01 * generator_.normal());  // one of two is kept for the next step
        {
            const nn::Training training(generator_);
            const Tape<T> tape;
            const Var<T> J = loss(x);
            losses_.push_back(static_cast<double>(J.item()));
            optimizer_->step(gradient(J, parameters()));
        }
        average_.update();
        if (steps() % 4 == 0) {
            const auto kept = state_;
            const optim::AveragedWeights<T> averaged(average_);
            const Tape<T> tape;
            losses_.push_back(static_cast<double>(loss(x).item()));
            state_ = kept;
            optimizer_->set_learning_rate(plateau_(losses_.back()));
        }
    }

    nn::Generator generator_{11};
    Cell cell_;
    nn::Linear<T> output_;
    std::unique_ptr<optim::Optimizer<T>> optimizer_;
    optim::WeightAverage<T> average_;
    optim::ReduceOnPlateau plateau_;
    nn::Carried<nn::StateOf<Cell>> state_;
    std::vector<Tensor<T>> data_;
    std::vector<int> order_{0, 1, 2, 3, 4, 5};
    std::size_t place_ = rows;
    std::vector<double> losses_;
};

/// Says where two checkpoints differ, to the bit; empty when nowhere.
inline std::string difference(const nn::NamedArrays& a, const nn::NamedArrays& b) {
    if (a.metadata != b.metadata) return "the metadata";
    if (a.arrays.size() != b.arrays.size()) return "the names";
    const auto same = [](const auto& x, const auto& y) {
        if constexpr (!std::is_same_v<decltype(x), decltype(y)>)
            return false;
        else
            return x.shape() == y.shape() && std::equal(x.begin(), x.end(), y.begin(), [](auto p, auto q) {
                       return std::memcmp(&p, &q, sizeof p) == 0;
                   });
    };
    for (auto x = a.arrays.begin(), y = b.arrays.begin(); x != a.arrays.end(); ++x, ++y)
        if (x->first != y->first || !std::visit(same, x->second, y->second)) return x->first;
    return "";
}

}  // namespace tapeloop::test
