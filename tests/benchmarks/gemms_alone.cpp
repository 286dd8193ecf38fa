// Only the matrix products of a training step: what no contender that uses these libraries can go below by
// much.
#include "contenders.hpp"
#include "gemm.hpp"

namespace tapeloop::benchmarks {

namespace {

class GemmsAlone final : public Contender {
  public:
    explicit GemmsAlone(const Problem& problem) : size_(problem.size) {
        const auto [T, B, H] = size_;
        const Index width = gate_count(problem.cell) * H;
        x_ = h_ = small(T * B, H);
        dX_ = Matrix(T * B, H, H);
        carry_ = Matrix(B, H, padded_stride(H));
        U_ = W_ = small(H, width);
        dU_ = dW_ = U_;
        U_transposed_ = W_transposed_ = small(width, H);
        gates_ = small(T * B, width);
    }

    void step(float) override {
        const auto [T, B, H] = size_;
        product(x_, 0, T * B, U_, 0.0F, gates_, 0);
        for (Index t = 1; t < T; ++t) product(h_, (t - 1) * B, B, W_, 1.0F, gates_, t * B);
        for (Index t = T - 1; t > 0; --t) product(gates_, t * B, B, W_transposed_, 0.0F, carry_, 0);
        product(gates_, 0, T * B, U_transposed_, 0.0F, dX_, 0);
        weight_gradient(x_, T * B, 0, dU_);
        if (T > 1) weight_gradient(h_, (T - 1) * B, B, dW_);
    }

    Results results() const override { return {}; }

  private:
    // Values small enough that sums over many steps stay ordinary numbers.
    static Matrix small(Index rows, Index columns) {
        Matrix matrix(rows, columns, padded_stride(columns));
        matrix.data.assign(matrix.data.size(), 1e-4F);
        return matrix;
    }

    static void product(const Matrix& a, Index a_row, Index rows, const Matrix& b, float beta, Matrix& c,
                        Index c_row) {
        gemm(Transpose::no, Transpose::no, rows, b.columns, a.columns, a.row(a_row), a.stride, b.row(0),
             b.stride, beta, c.row(c_row), c.stride);
    }

    void weight_gradient(const Matrix& a, Index rows, Index gate_row, Matrix& gradient) {
        gemm(Transpose::yes, Transpose::no, a.columns, gates_.columns, rows, a.row(0), a.stride,
             gates_.row(gate_row), gates_.stride, 0.0F, gradient.row(0), gradient.stride);
    }

    Size size_;
    Matrix x_, h_, dX_, carry_, U_, W_, dU_, dW_, U_transposed_, W_transposed_, gates_;
};

}  // namespace

std::unique_ptr<Contender> make_gemms_alone(const Problem& problem) {
    return std::make_unique<GemmsAlone>(problem);
}

}  // namespace tapeloop::benchmarks
