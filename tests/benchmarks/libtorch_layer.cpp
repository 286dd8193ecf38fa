// LibTorch's own layers: torch::nn::RNN, GRU and LSTM, trained with torch::optim::SGD.
#include "contenders.hpp"
#include "libtorch.hpp"

namespace tapeloop::benchmarks {

namespace {

// LibTorch keeps [G * H, H] matrices for columns and two biases. The order of the gates is ours for the LSTM;
// for the GRU it is reset, update, candidate, so the first two blocks change places.
torch::Tensor swap_update_and_reset(CellKind cell, const torch::Tensor& gates_first) {
    if (cell != CellKind::gru) return gates_first;
    const std::vector<torch::Tensor> gates = gates_first.chunk(3, 0);
    return torch::cat({gates[1], gates[0], gates[2]}, 0);
}

template <class Layer>
class LibtorchLayer final : public Contender {
  public:
    LibtorchLayer(const Problem& problem, Layer layer)
        : cell_(problem.cell),
          x_(input_of(problem)),
          layer_(std::move(layer)),
          optimizer_(layer_->parameters(), 0.0) {
        const torch::NoGradGuard guard;
        const Index H = problem.size.hidden;
        const Index width = gate_count(cell_) * H;
        torch::Tensor recurrent_bias = torch::zeros({width});
        if (cell_ == CellKind::gru) recurrent_bias.slice(0, 2 * H).copy_(to_tensor(problem.b_recurrent, {H}));
        set("weight_ih_l0", to_tensor(problem.U, {H, width}).t());
        set("weight_hh_l0", to_tensor(problem.W, {H, width}).t());
        set("bias_ih_l0", to_tensor(problem.b, {width}));
        set("bias_hh_l0", recurrent_bias);
    }

    void step(float learning_rate) override {
        const SingleOpenMpThread guard;
        optimizer_.zero_grad();
        x_.mutable_grad().reset();
        const torch::Tensor h = std::get<0>(layer_->forward(x_));
        const torch::Tensor loss = h.square().sum();
        loss.backward();
        static_cast<torch::optim::SGDOptions&>(optimizer_.param_groups()[0].options()).lr(learning_rate);
        optimizer_.step();
        loss_ = loss.item<double>();
    }

    Results results() const override {
        Results results{loss_, to_floats(x_.grad()), {}, {}, {}, {}};
        results.dU = to_floats(gradient("weight_ih_l0").t());
        results.dW = to_floats(gradient("weight_hh_l0").t());
        results.db = to_floats(gradient("bias_ih_l0"));
        if (cell_ == CellKind::gru) results.db_recurrent = to_floats(gradient("bias_hh_l0").chunk(3, 0)[2]);
        return results;
    }

  private:
    void set(const char* name, const torch::Tensor& value) {
        layer_->named_parameters()[name].copy_(swap_update_and_reset(cell_, value));
    }
    torch::Tensor gradient(const char* name) const {
        return swap_update_and_reset(cell_, layer_->named_parameters()[name].grad());
    }

    CellKind cell_;
    torch::Tensor x_;
    Layer layer_;
    torch::optim::SGD optimizer_;
    double loss_ = 0;
};

template <class Layer>
std::unique_ptr<Contender> make(const Problem& problem, const Layer& layer) {
    return std::make_unique<LibtorchLayer<Layer>>(problem, layer);
}

}  // namespace

std::unique_ptr<Contender> make_libtorch_layer(const Problem& problem) {
    const Index H = problem.size.hidden;
    switch (problem.cell) {
        case CellKind::elman:
            return make(problem, torch::nn::RNN(torch::nn::RNNOptions(H, H)));
        case CellKind::gru:
            return make(problem, torch::nn::GRU(H, H));
        case CellKind::lstm:
            return make(problem, torch::nn::LSTM(H, H));
    }
    return nullptr;
}

void set_libtorch_thread_count(int count) { torch::set_num_threads(count); }

}  // namespace tapeloop::benchmarks
