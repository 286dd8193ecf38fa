#include "hand_written.hpp"

#include <omp.h>

#include <algorithm>

namespace tapeloop::benchmarks {

namespace {

// Elementwise work smaller than this many units a step is done before a second thread has woken up.
constexpr Index smallest_for_threads = 2048;

// Calls work(first, last) for the units [0, hidden), divided among the threads when that pays. Units, not
// rows, are divided, so that bias gradients can be summed over rows without a race. Chunks keep whole cache
// lines.
template <class Work>
double over_units(Size size, const Work& work) {
    const Index threads = size.batch * size.hidden >= smallest_for_threads ? omp_get_max_threads() : 1;
    if (threads == 1) return work(Index{0}, size.hidden);
    const Index chunk = (size.hidden / threads + 15) / 16 * 16;
    double sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static, 1)
    for (Index first = 0; first < size.hidden; first += chunk) {
        sum += work(first, std::min(first + chunk, size.hidden));
    }
    return sum;
}

}  // namespace

HandWritten::HandWritten(const Problem& problem) : size_(problem.size) {
    const auto [T, B, H] = size_;
    const Index width = gate_count(problem.cell) * H;
    const Index wide = padded_stride(width);
    const Index narrow = padded_stride(H);
    x_ = to_matrix(problem.x, T * B, H, H);
    U_ = to_matrix(problem.U, H, width, wide);
    W_ = to_matrix(problem.W, H, width, wide);
    b_ = to_matrix(problem.b, 1, width, width);
    U_transposed_ = W_transposed_ = Matrix(width, H, narrow);
    gates_ = Matrix(T * B, width, wide);
    h_ = Matrix(T * B, H, narrow);
    carry_ = Matrix(B, H, narrow);
    dX_ = Matrix(T * B, H, H);
    dU_ = dW_ = Matrix(H, width, wide);
    db_ = Matrix(1, width, width);
    zeros_.resize(static_cast<std::size_t>(H));
}

void HandWritten::step(float learning_rate) {
    forward();
    backward();
    update(learning_rate);
}

void HandWritten::forward() {
    const auto [T, B, H] = size_;
    gemm(Transpose::no, Transpose::no, T * B, U_.columns, H, x_.row(0), x_.stride, U_.row(0), U_.stride, 0.0F,
         gates_.row(0), gates_.stride);
    double loss = 0;
    for (Index t = 0; t < T; ++t) {
        if (t > 0) add_recurrent_product(t);
        loss += over_units(size_, [&](Index first, Index last) { return activate(t, first, last); });
    }
    loss_ = loss;
}

void HandWritten::backward() {
    const auto [T, B, H] = size_;
    transpose(W_, W_transposed_);
    transpose(U_, U_transposed_);
    std::fill(carry_.data.begin(), carry_.data.end(), 0.0F);
    std::fill(db_.data.begin(), db_.data.end(), 0.0F);
    for (Index t = T - 1; t >= 0; --t) {
        over_units(size_, [&](Index first, Index last) {
            differentiate(t, first, last);
            return 0.0;
        });
        if (t > 0) carry_back(t);
    }
    gemm(Transpose::no, Transpose::no, T * B, H, gates_.columns, gates_.row(0), gates_.stride,
         U_transposed_.row(0), U_transposed_.stride, 0.0F, dX_.row(0), dX_.stride);
    gemm(Transpose::yes, Transpose::no, H, gates_.columns, T * B, x_.row(0), x_.stride, gates_.row(0),
         gates_.stride, 0.0F, dU_.row(0), dU_.stride);
    if (T > 1) recurrent_weight_gradient();
}

void HandWritten::add_recurrent_product(Index t) {
    gemm(Transpose::no, Transpose::no, size_.batch, W_.columns, size_.hidden, h_.row(first_row(t - 1)),
         h_.stride, W_.row(0), W_.stride, 1.0F, gates_.row(first_row(t)), gates_.stride);
}

void HandWritten::carry_back(Index t) {
    gemm(Transpose::no, Transpose::no, size_.batch, size_.hidden, W_.columns, gates_.row(first_row(t)),
         gates_.stride, W_transposed_.row(0), W_transposed_.stride, 0.0F, carry_.row(0), carry_.stride);
}

void HandWritten::recurrent_weight_gradient() {
    const Index rows = first_row(size_.steps - 1);
    gemm(Transpose::yes, Transpose::no, size_.hidden, W_.columns, rows, h_.row(0), h_.stride,
         gates_.row(first_row(1)), gates_.stride, 0.0F, dW_.row(0), dW_.stride);
}

void HandWritten::update(float learning_rate) {
    descend(U_, dU_, learning_rate);
    descend(W_, dW_, learning_rate);
    descend(b_, db_, learning_rate);
}

void HandWritten::descend(Matrix& values, const Matrix& gradient, float learning_rate) {
    float* p = values.data.data();
    const float* g = gradient.data.data();
    const auto count = static_cast<Index>(values.data.size());
#pragma omp parallel for simd if (count >= 16 * smallest_for_threads)
    for (Index i = 0; i < count; ++i) p[i] -= learning_rate * g[i];
}

Results HandWritten::results() const {
    return {loss_, to_dense(dX_), to_dense(dU_), to_dense(dW_), to_dense(db_), {}};
}

Matrix to_matrix(const Floats& values, Index rows, Index columns, Index stride) {
    Matrix matrix(rows, columns, stride);
    for (Index i = 0; i < rows; ++i) std::copy_n(values.data() + i * columns, columns, matrix.row(i));
    return matrix;
}

Floats to_dense(const Matrix& matrix) {
    Floats values;
    for (Index i = 0; i < matrix.rows; ++i)
        values.insert(values.end(), matrix.row(i), matrix.row(i) + matrix.columns);
    return values;
}

std::unique_ptr<Contender> make_hand_written(const Problem& problem) {
    return make_hand_written_cell(problem);
}

}  // namespace tapeloop::benchmarks
