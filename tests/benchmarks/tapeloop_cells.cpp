// Our cells, each in plain operations and with its elementwise part in `map`, trained by the same generic
// sweep.
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/program.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/cell.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/sgd.hpp>

#include <algorithm>

#include "contenders.hpp"

namespace tapeloop::benchmarks {
namespace {

using F = Var<float>;

/// The base of the cells: packed weights, and x U + b for all time steps at once.
struct Weights {
    Parameter<float> U, W, b, b_recurrent;

    F project(const F& x) const { return affine(x, U, b); }
    F zero_state(std::size_t batch) const { return input(nn::zeros<float>({batch, W.shape()[0]})); }
};

struct Elman : Weights {
    Style style;
    F initial_state(std::size_t batch) const { return zero_state(batch); }
    std::pair<F, F> step(const F& u, const F& h) const {
        const F next = style == Style::operations
                           ? tanh(affine(h, W, u))
                           : map([](auto p, auto q) { return tanh(p + q); }, matmul(h, W), u);
        return {next, next};
    }
};

struct Gru : Weights {
    Style style;
    F initial_state(std::size_t batch) const { return zero_state(batch); }
    std::pair<F, F> step(const F& u, const F& h) const {
        const F next = style == Style::operations ? step_in_operations(u, h) : step_in_map(u, h);
        return {next, next};
    }

  private:
    F step_in_operations(const F& u, const F& h) const {
        const F w = matmul(h, W);
        const F update = sigmoid(columns(u, 0, 3) + columns(w, 0, 3));
        const F reset = sigmoid(columns(u, 1, 3) + columns(w, 1, 3));
        const F candidate = tanh(columns(u, 2, 3) + reset * (columns(w, 2, 3) + b_recurrent));
        return candidate + update * (h - candidate);
    }
    F step_in_map(const F& u, const F& h) const {
        return map(
            [](auto from_input, auto from_state, auto bias, auto state) {
                auto [update_u, reset_u, candidate_u] = from_input;
                auto [update_w, reset_w, candidate_w] = from_state;
                auto candidate = tanh(candidate_u + sigmoid(reset_u + reset_w) * (candidate_w + bias));
                return candidate + sigmoid(update_u + update_w) * (state - candidate);
            },
            gates<3>(u), gates<3>(matmul(h, W)), b_recurrent, h);
    }
};

struct Lstm : Weights {
    using State = std::array<F, 2>;
    Style style;
    State initial_state(std::size_t batch) const { return {zero_state(batch), zero_state(batch)}; }
    std::pair<F, State> step(const F& u, const State& state) const {
        const State next = style == Style::operations ? step_in_operations(u, state) : step_in_map(u, state);
        return {next[0], next};
    }

  private:
    State step_in_operations(const F& u, const State& state) const {
        const F a = affine(state[0], W, u);
        const F kept =
            sigmoid(columns(a, 1, 4)) * state[1] + sigmoid(columns(a, 0, 4)) * tanh(columns(a, 2, 4));
        return {sigmoid(columns(a, 3, 4)) * tanh(kept), kept};
    }
    State step_in_map(const F& u, const State& state) const {
        return map(
            [](auto from_input, auto from_state, auto memory) {
                auto [input_u, forget_u, candidate_u, output_u] = from_input;
                auto [input_w, forget_w, candidate_w, output_w] = from_state;
                auto kept = sigmoid(forget_u + forget_w) * memory +
                            sigmoid(input_u + input_w) * tanh(candidate_u + candidate_w);
                return std::tuple{sigmoid(output_u + output_w) * tanh(kept), kept};
            },
            gates<4>(u), gates<4>(matmul(state[0], W)), state[1]);
    }
};

Tensor<float> tensor_of(const Floats& values, const Shape& shape) {
    Tensor<float> tensor = tapeloop::detail::uninitialised<float>(shape);
    std::copy(values.begin(), values.end(), tensor.data());
    return tensor;
}

Floats floats_of(const Tensor<float>& tensor) { return {tensor.data(), tensor.data() + tensor.size()}; }

template <class Cell>
struct Model {
    Tensor<float> x;
    Cell cell;
    ParameterList<float> parameters;

    Model(const Problem& problem, Style style) {
        const auto T = static_cast<std::size_t>(problem.size.steps);
        const auto B = static_cast<std::size_t>(problem.size.batch);
        const auto H = static_cast<std::size_t>(problem.size.hidden);
        const auto G = static_cast<std::size_t>(gate_count(problem.cell));
        x = tensor_of(problem.x, {T, B, H});
        cell.U = Parameter<float>("U", tensor_of(problem.U, {H, G * H}));
        cell.W = Parameter<float>("W", tensor_of(problem.W, {H, G * H}));
        cell.b = Parameter<float>("b", tensor_of(problem.b, {G * H}));
        cell.b_recurrent =
            Parameter<float>("b_recurrent", tensor_of(problem.b_recurrent, {problem.b_recurrent.size()}));
        cell.style = style;
        parameters = parameter_list(cell.U, cell.W, cell.b);
        if (!problem.b_recurrent.empty()) parameters.add(cell.b_recurrent);
    }

    F loss(const F& input) const { return sum(square(nn::unroll(cell, input).outputs)); }
    WrtList<float> asked_for(const F& input) const {
        WrtList<float> wrt(parameters);
        wrt.add(input);
        return wrt;
    }
};

template <class Cell>
class TapeloopContender final : public Contender {
  public:
    TapeloopContender(const Problem& problem, Style style, bool again)
        : model_(problem, style), optimizer_(model_.parameters), again_(again) {}

    void step(float learning_rate) override {
        optimizer_.set_learning_rate(learning_rate);
        if (again_)
            run_again();
        else
            record_anew();
    }

    Results results() const override {
        Results results;
        results.loss = loss_;
        results.dU = floats_of(gradients_->at(0));
        results.dW = floats_of(gradients_->at(1));
        results.db = floats_of(gradients_->at(2));
        if (model_.parameters.size() == 4) results.db_recurrent = floats_of(gradients_->at(3));
        results.dX = floats_of(gradients_->at(model_.parameters.size()));
        return results;
    }

  private:
    void record_anew() {
        Tape<float> tape;
        const F x = input(model_.x);
        const F loss = model_.loss(x);
        loss_ = loss.item();
        own_gradients_.emplace(gradient(loss, model_.asked_for(x)));
        gradients_ = &*own_gradients_;
        optimizer_.step(*own_gradients_);
    }

    void run_again() {
        if (!program_.has_value()) {
            tape_.emplace();
            x_ = input(model_.x);
            J_ = model_.loss(x_);
            program_.emplace(J_, model_.asked_for(x_));
            gradients_ = &program_->gradients();
        }
        program_->set(x_, model_.x);
        program_->run();
        loss_ = J_.item();
        optimizer_.step(*gradients_);
    }

    Model<Cell> model_;
    optim::Sgd<float> optimizer_;
    bool again_;
    float loss_ = 0;
    std::optional<Gradients<float>> own_gradients_;
    const Gradients<float>* gradients_ = nullptr;
    std::optional<Tape<float>> tape_;
    F x_, J_;
    std::optional<Program<float>> program_;
};

}  // namespace

std::unique_ptr<Contender> make_tapeloop(const Problem& problem, Style style, bool again) {
    switch (problem.cell) {
        case CellKind::elman:
            return std::make_unique<TapeloopContender<Elman>>(problem, style, again);
        case CellKind::gru:
            return std::make_unique<TapeloopContender<Gru>>(problem, style, again);
        case CellKind::lstm:
            break;
    }
    return std::make_unique<TapeloopContender<Lstm>>(problem, style, again);
}

}  // namespace tapeloop::benchmarks
