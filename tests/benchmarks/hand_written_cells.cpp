// The fused elementwise passes of the hand-written cells. Compiled with the compiler's vector mathematics:
// the loops below become SIMD code that calls the C library's vector exp and tanh.
#include <cmath>

#include "hand_written.hpp"

namespace tapeloop::benchmarks {

namespace {

inline float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

class HandWrittenElman final : public HandWritten {
  public:
    using HandWritten::HandWritten;

  private:
    double activate(Index t, Index first, Index last) override {
        const float* b = b_.row(0);
        double total = 0;
        for (Index row = first_row(t); row < first_row(t + 1); ++row) {
            const float* a = gates_.row(row);
            float* h = h_.row(row);
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (Index j = first; j < last; ++j) {
                h[j] = std::tanh(a[j] + b[j]);
                sum += h[j] * h[j];
            }
            total += static_cast<double>(sum);
        }
        return total;
    }

    void differentiate(Index t, Index first, Index last) override {
        float* db = db_.row(0);
        for (Index i = 0; i < size_.batch; ++i) {
            const float* h = h_.row(first_row(t) + i);
            const float* carry = carry_.row(i);
            float* a = gates_.row(first_row(t) + i);
#pragma omp simd
            for (Index j = first; j < last; ++j) {
                a[j] = (2.0F * h[j] + carry[j]) * (1.0F - h[j] * h[j]);
                db[j] += a[j];
            }
        }
    }
};

class HandWrittenLstm final : public HandWritten {
  public:
    explicit HandWrittenLstm(const Problem& problem)
        : HandWritten(problem),
          c_(h_.rows, h_.columns, h_.stride),
          dc_(carry_.rows, carry_.columns, carry_.stride) {}

  private:
    double activate(Index t, Index first, Index last) override {
        const Index H = size_.hidden;
        const float* b = b_.row(0);
        double total = 0;
        for (Index i = 0; i < size_.batch; ++i) {
            float* a = gates_.row(first_row(t) + i);
            float* h = h_.row(first_row(t) + i);
            float* c = c_.row(first_row(t) + i);
            const float* c_before = previous(c_, t, i);
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (Index j = first; j < last; ++j) {
                const float input = sigmoid(a[j] + b[j]);
                const float forget = sigmoid(a[j + H] + b[j + H]);
                const float candidate = std::tanh(a[j + 2 * H] + b[j + 2 * H]);
                const float output = sigmoid(a[j + 3 * H] + b[j + 3 * H]);
                const float next = forget * c_before[j] + input * candidate;
                const float out = output * std::tanh(next);
                a[j] = input;
                a[j + H] = forget;
                a[j + 2 * H] = candidate;
                a[j + 3 * H] = output;
                c[j] = next;
                h[j] = out;
                sum += out * out;
            }
            total += static_cast<double>(sum);
        }
        return total;
    }

    void differentiate(Index t, Index first, Index last) override {
        const Index H = size_.hidden;
        const bool starts = t == size_.steps - 1;
        float* db = db_.row(0);
        for (Index i = 0; i < size_.batch; ++i) {
            float* a = gates_.row(first_row(t) + i);
            const float* h = h_.row(first_row(t) + i);
            const float* c = c_.row(first_row(t) + i);
            const float* c_before = previous(c_, t, i);
            const float* carry = carry_.row(i);
            const float* dc_after = starts ? zeros_.data() : dc_.row(i);
            float* dc_before = dc_.row(i);
#pragma omp simd
            for (Index j = first; j < last; ++j) {
                const float input = a[j];
                const float forget = a[j + H];
                const float candidate = a[j + 2 * H];
                const float output = a[j + 3 * H];
                const float squashed = std::tanh(c[j]);
                const float dh = 2.0F * h[j] + carry[j];
                const float dc = dc_after[j] + dh * output * (1.0F - squashed * squashed);
                const float d_input = dc * candidate * input * (1.0F - input);
                const float d_forget = dc * c_before[j] * forget * (1.0F - forget);
                const float d_candidate = dc * input * (1.0F - candidate * candidate);
                const float d_output = dh * squashed * output * (1.0F - output);
                dc_before[j] = dc * forget;
                a[j] = d_input;
                a[j + H] = d_forget;
                a[j + 2 * H] = d_candidate;
                a[j + 3 * H] = d_output;
                db[j] += d_input;
                db[j + H] += d_forget;
                db[j + 2 * H] += d_candidate;
                db[j + 3 * H] += d_output;
            }
        }
    }

    Matrix c_;   // [T * B, H]
    Matrix dc_;  // [B, H], the cotangent of c that comes from the later step
};

// The reset gate multiplies the candidate's recurrent product, which therefore stays apart from the input
// product, and so does its cotangent: U meets (dz, dr, dn), W meets (dz, dr, dn * r).
class HandWrittenGru final : public HandWritten {
  public:
    explicit HandWrittenGru(const Problem& problem)
        : HandWritten(problem),
          b_recurrent_(to_matrix(problem.b_recurrent, 1, size_.hidden, size_.hidden)),
          db_recurrent_(1, size_.hidden, size_.hidden),
          recurrent_(h_.rows, h_.columns, h_.stride) {}

    Results results() const override {
        Results results = HandWritten::results();
        results.db_recurrent = to_dense(db_recurrent_);
        return results;
    }

  private:
    double activate(Index t, Index first, Index last) override {
        const Index H = size_.hidden;
        const float* b = b_.row(0);
        const float* b_recurrent = b_recurrent_.row(0);
        double total = 0;
        for (Index i = 0; i < size_.batch; ++i) {
            float* a = gates_.row(first_row(t) + i);
            float* h = h_.row(first_row(t) + i);
            float* recurrent = recurrent_.row(first_row(t) + i);
            const float* product = t > 0 ? recurrent : zeros_.data();
            const float* h_before = previous(h_, t, i);
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (Index j = first; j < last; ++j) {
                const float update = sigmoid(a[j] + b[j]);
                const float reset = sigmoid(a[j + H] + b[j + H]);
                const float inner = product[j] + b_recurrent[j];
                const float candidate = std::tanh(a[j + 2 * H] + b[j + 2 * H] + reset * inner);
                const float out = candidate + update * (h_before[j] - candidate);
                a[j] = update;
                a[j + H] = reset;
                a[j + 2 * H] = candidate;
                recurrent[j] = inner;
                h[j] = out;
                sum += out * out;
            }
            total += static_cast<double>(sum);
        }
        return total;
    }

    void differentiate(Index t, Index first, Index last) override {
        const Index H = size_.hidden;
        float* db = db_.row(0);
        float* db_recurrent = db_recurrent_.row(0);
        if (t == size_.steps - 1) {
            for (Index j = first; j < last; ++j) db_recurrent[j] = 0.0F;
        }
        for (Index i = 0; i < size_.batch; ++i) {
            float* a = gates_.row(first_row(t) + i);
            float* recurrent = recurrent_.row(first_row(t) + i);
            float* carry = carry_.row(i);
            const float* h = h_.row(first_row(t) + i);
            const float* h_before = previous(h_, t, i);
#pragma omp simd
            for (Index j = first; j < last; ++j) {
                const float update = a[j];
                const float reset = a[j + H];
                const float candidate = a[j + 2 * H];
                const float dh = 2.0F * h[j] + carry[j];
                const float d_update = dh * (h_before[j] - candidate) * update * (1.0F - update);
                const float d_candidate = dh * (1.0F - update) * (1.0F - candidate * candidate);
                const float d_inner = d_candidate * reset;
                const float d_reset = d_inner * recurrent[j] * (1.0F - reset);
                carry[j] = dh * update;
                a[j] = d_update;
                a[j + H] = d_reset;
                a[j + 2 * H] = d_candidate;
                recurrent[j] = d_inner;
                db[j] += d_update;
                db[j + H] += d_reset;
                db[j + 2 * H] += d_candidate;
                db_recurrent[j] += d_inner;
            }
        }
    }

    void add_recurrent_product(Index t) override {
        const auto [T, B, H] = size_;
        const float* h = h_.row(first_row(t - 1));
        gemm(Transpose::no, Transpose::no, B, 2 * H, H, h, h_.stride, W_.row(0), W_.stride, 1.0F,
             gates_.row(first_row(t)), gates_.stride);
        gemm(Transpose::no, Transpose::no, B, H, H, h, h_.stride, W_.row(0) + 2 * H, W_.stride, 0.0F,
             recurrent_.row(first_row(t)), recurrent_.stride);
    }

    void carry_back(Index t) override {
        const auto [T, B, H] = size_;
        gemm(Transpose::no, Transpose::no, B, H, 2 * H, gates_.row(first_row(t)), gates_.stride,
             W_transposed_.row(0), W_transposed_.stride, 1.0F, carry_.row(0), carry_.stride);
        gemm(Transpose::no, Transpose::no, B, H, H, recurrent_.row(first_row(t)), recurrent_.stride,
             W_transposed_.row(2 * H), W_transposed_.stride, 1.0F, carry_.row(0), carry_.stride);
    }

    void recurrent_weight_gradient() override {
        const Index H = size_.hidden;
        const Index rows = first_row(size_.steps - 1);
        const Index start = first_row(1);
        gemm(Transpose::yes, Transpose::no, H, 2 * H, rows, h_.row(0), h_.stride, gates_.row(start),
             gates_.stride, 0.0F, dW_.row(0), dW_.stride);
        gemm(Transpose::yes, Transpose::no, H, H, rows, h_.row(0), h_.stride, recurrent_.row(start),
             recurrent_.stride, 0.0F, dW_.row(0) + 2 * H, dW_.stride);
    }

    void update(float learning_rate) override {
        HandWritten::update(learning_rate);
        descend(b_recurrent_, db_recurrent_, learning_rate);
    }

    Matrix b_recurrent_, db_recurrent_;
    Matrix recurrent_;  // [T * B, H], the candidate's recurrent product plus its bias, then its cotangent
};

}  // namespace

std::unique_ptr<HandWritten> make_hand_written_cell(const Problem& problem) {
    switch (problem.cell) {
        case CellKind::elman:
            return std::make_unique<HandWrittenElman>(problem);
        case CellKind::gru:
            return std::make_unique<HandWrittenGru>(problem);
        case CellKind::lstm:
            return std::make_unique<HandWrittenLstm>(problem);
    }
    return nullptr;
}

}  // namespace tapeloop::benchmarks
