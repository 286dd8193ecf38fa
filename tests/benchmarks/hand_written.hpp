// Backpropagation through time as an expert writes it by hand: the part that is the same for all cells.
//
// The input product of all time steps is one gemm, and so are the gradients of U, W and x; the loop over time
// keeps one recurrent product and one fused elementwise pass. Cotangents of the gates overwrite the gates.
#pragma once

#include "contenders.hpp"
#include "gemm.hpp"

namespace tapeloop::benchmarks {

class HandWritten : public Contender {
  public:
    explicit HandWritten(const Problem& problem);

    void step(float learning_rate) final;
    Results results() const override;

  protected:
    // The fused passes over the rows of step t, for the hidden units from `first` to `last`. The forward one
    // applies the cell to gates_ and returns the sum of squares of h; the backward one turns gates_ into
    // their cotangents.
    virtual double activate(Index t, Index first, Index last) = 0;
    virtual void differentiate(Index t, Index first, Index last) = 0;

    // gates_[t] += h_[t - 1] W, and its counterparts backward.
    virtual void add_recurrent_product(Index t);
    virtual void carry_back(Index t);
    virtual void recurrent_weight_gradient();
    virtual void update(float learning_rate);

    Index first_row(Index t) const { return t * size_.batch; }
    // The state before step t; `zeros_` before the first.
    const float* previous(const Matrix& states, Index t, Index row) const {
        return t > 0 ? states.row(first_row(t - 1) + row) : zeros_.data();
    }

    static void descend(Matrix& values, const Matrix& gradient, float learning_rate);

    Size size_;
    Matrix x_, U_, W_, b_;
    Matrix U_transposed_,
        W_transposed_;  // row-major products with these are faster than with a transposed operand
    Matrix gates_, h_;  // [T * B, G * H], [T * B, H]
    Matrix carry_;      // [B, H], the cotangent of h that comes from the later step
    Matrix dX_, dU_, dW_, db_;
    Floats zeros_;

  private:
    void forward();
    void backward();

    double loss_ = 0;
};

// The three cells; problem.cell tells which one is meant.
std::unique_ptr<HandWritten> make_hand_written_cell(const Problem& problem);

Matrix to_matrix(const Floats& values, Index rows, Index columns, Index stride);
Floats to_dense(const Matrix& matrix);

}  // namespace tapeloop::benchmarks
