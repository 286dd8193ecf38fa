// The same cells as a user of LibTorch writes them: tensor operations in a loop over time, trained with its
// SGD.
#include "contenders.hpp"
#include "libtorch.hpp"

namespace tapeloop::benchmarks {

namespace {

class LibtorchCell final : public Contender {
  public:
    explicit LibtorchCell(const Problem& problem)
        : cell_(problem.cell),
          x_(input_of(problem)),
          U_(to_tensor(problem.U, {problem.size.hidden, width(problem)}).requires_grad_()),
          W_(to_tensor(problem.W, {problem.size.hidden, width(problem)}).requires_grad_()),
          b_(to_tensor(problem.b, {width(problem)}).requires_grad_()),
          parameters_{U_, W_, b_} {
        if (cell_ == CellKind::gru) {
            b_recurrent_ = to_tensor(problem.b_recurrent, {problem.size.hidden}).requires_grad_();
            parameters_.push_back(b_recurrent_);
        }
        optimizer_ = std::make_unique<torch::optim::SGD>(parameters_, 0.0);
    }

    void step(float learning_rate) override {
        const SingleOpenMpThread guard;
        optimizer_->zero_grad();
        x_.mutable_grad().reset();
        const torch::Tensor loss = torch::stack(outputs()).square().sum();
        loss.backward();
        static_cast<torch::optim::SGDOptions&>(optimizer_->param_groups()[0].options()).lr(learning_rate);
        optimizer_->step();
        loss_ = loss.item<double>();
    }

    Results results() const override {
        Results results{
            loss_, to_floats(x_.grad()), to_floats(U_.grad()), to_floats(W_.grad()), to_floats(b_.grad()),
            {}};
        if (cell_ == CellKind::gru) results.db_recurrent = to_floats(b_recurrent_.grad());
        return results;
    }

  private:
    static Index width(const Problem& problem) { return gate_count(problem.cell) * problem.size.hidden; }

    std::vector<torch::Tensor> outputs() const {
        std::vector<torch::Tensor> outputs;
        torch::Tensor h = torch::zeros({x_.size(1), x_.size(2)});
        torch::Tensor c = torch::zeros_like(h);
        for (const torch::Tensor& x : x_.unbind(0)) {
            switch (cell_) {
                case CellKind::elman:
                    h = elman(x, h);
                    break;
                case CellKind::gru:
                    h = gru(x, h);
                    break;
                case CellKind::lstm:
                    std::tie(h, c) = lstm(x, h, c);
                    break;
            }
            outputs.push_back(h);
        }
        return outputs;
    }

    torch::Tensor elman(const torch::Tensor& x, const torch::Tensor& h) const {
        return torch::tanh(torch::addmm(b_, x, U_) + h.mm(W_));
    }

    torch::Tensor gru(const torch::Tensor& x, const torch::Tensor& h) const {
        const auto input = torch::addmm(b_, x, U_).chunk(3, 1);
        const auto recurrent = h.mm(W_).chunk(3, 1);
        const auto update = torch::sigmoid(input[0] + recurrent[0]);
        const auto reset = torch::sigmoid(input[1] + recurrent[1]);
        const auto candidate = torch::tanh(input[2] + reset * (recurrent[2] + b_recurrent_));
        return candidate + update * (h - candidate);
    }

    std::tuple<torch::Tensor, torch::Tensor> lstm(const torch::Tensor& x, const torch::Tensor& h,
                                                  const torch::Tensor& c) const {
        const auto gates = (torch::addmm(b_, x, U_) + h.mm(W_)).chunk(4, 1);
        const auto next_c = torch::sigmoid(gates[1]) * c + torch::sigmoid(gates[0]) * torch::tanh(gates[2]);
        return {torch::sigmoid(gates[3]) * torch::tanh(next_c), next_c};
    }

    CellKind cell_;
    torch::Tensor x_, U_, W_, b_, b_recurrent_;
    std::vector<torch::Tensor> parameters_;
    std::unique_ptr<torch::optim::SGD> optimizer_;
    double loss_ = 0;
};

}  // namespace

std::unique_ptr<Contender> make_libtorch_cell(const Problem& problem) {
    return std::make_unique<LibtorchCell>(problem);
}

}  // namespace tapeloop::benchmarks
