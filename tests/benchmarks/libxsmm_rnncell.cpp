// libxsmm's own recurrent cell: one call forward and one backward over the whole sequence.
//
// The parameters live in libxsmm's blocked layout, which their gradients have as well, so that SGD needs no
// conversion. Backward wants the weights transposed, and since an update changes them in every step, so must
// every step transpose them.
#include <libxsmm_source.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "contenders.hpp"
#include "loss_and_update.hpp"

namespace tapeloop::benchmarks {

namespace {

void require(libxsmm_dnn_err_t status, const char* call) {
    if (status == LIBXSMM_DNN_SUCCESS) return;
    throw std::runtime_error(std::string(call) + ": " + libxsmm_dnn_get_error(status));
}

struct Destroy {
    void operator()(libxsmm_dnn_rnncell* cell) const { libxsmm_dnn_destroy_rnncell(cell); }
    void operator()(libxsmm_dnn_tensor* tensor) const { libxsmm_dnn_destroy_tensor(tensor); }
    void operator()(libxsmm_dnn_tensor_datalayout* layout) const {
        libxsmm_dnn_destroy_tensor_datalayout(layout);
    }
};
template <class T>
using Owned = std::unique_ptr<T, Destroy>;

// What the number of hidden units must be a multiple of. 16 is the width of a register, without which libxsmm
// leaves some units out of the bias gradient. Its Elman cell sums dX over 2 or 8 parts of the hidden units,
// and drops blocks that do not fill a part.
Index granularity(CellKind cell, Index hidden) {
    constexpr Index width = 16;
    if (cell != CellKind::elman || hidden < 512) return width;
    return width * (hidden < 2048 ? 2 : 8);
}

// The rows and columns of a block of the weights: 64 if possible, else 32 or 16.
Index weight_block(CellKind cell, Index hidden) {
    const Index most = hidden / (granularity(cell, hidden) / 16);
    return std::gcd<Index>(most, 64);
}

Index batch_block(Index batch) {
    Index block = std::min<Index>(batch, 64);
    while (batch % block != 0) --block;
    return block;
}

// For each of libxsmm's gates, input, candidate, forget, output, its place in the problem.
constexpr std::array<Index, 4> place_of_gate = {0, 2, 1, 3};

class LibxsmmRnncell final : public Contender {
  public:
    explicit LibxsmmRnncell(const Problem& problem)
        : size_(problem.size),
          gates_(gate_count(problem.cell)),
          block_(weight_block(problem.cell, size_.hidden)),
          threads_(omp_get_max_threads()),
          x_(problem.x),
          U_(into_blocks(problem.U)),
          W_(into_blocks(problem.W)),
          b_(reorder_gates(problem.b)) {
        create(problem.cell);
        bind_forward(problem.cell);
        bind_backward(problem.cell);
        bind_memory();
    }

    void step(float learning_rate) override {
        execute(LIBXSMM_DNN_COMPUTE_KIND_FWD);
        loss_ = square_outputs(h_, dh_, static_cast<std::size_t>(size_.batch * size_.hidden));
        transpose(U_, U_transposed_);
        transpose(W_, W_transposed_);
        // The Elman cell adds to dX, that of the LSTM clears it itself.
        if (gates_ == 1) std::fill(dX_.begin(), dX_.end(), 0.0F);
        execute(LIBXSMM_DNN_COMPUTE_KIND_BWDUPD);
        descend(U_, dU_, learning_rate);
        descend(W_, dW_, learning_rate);
        descend(b_, db_, learning_rate);
    }

    Results results() const override {
        return {loss_, dX_, from_blocks(dU_), from_blocks(dW_), reorder_gates(db_), {}};
    }

  private:
    void create(CellKind cell) {
        libxsmm_dnn_rnncell_desc description{};
        description.threads = threads_;
        description.K = description.C = static_cast<libxsmm_blasint>(size_.hidden);
        description.N = static_cast<libxsmm_blasint>(size_.batch);
        description.max_T = static_cast<libxsmm_blasint>(size_.steps);
        description.bk = description.bc = static_cast<libxsmm_blasint>(block_);
        description.bn = static_cast<libxsmm_blasint>(batch_block(size_.batch));
        description.cell_type =
            cell == CellKind::lstm ? LIBXSMM_DNN_RNNCELL_LSTM : LIBXSMM_DNN_RNNCELL_RNN_TANH;
        description.datatype_in = description.datatype_out = LIBXSMM_DNN_DATATYPE_F32;
        description.buffer_format = LIBXSMM_DNN_TENSOR_FORMAT_NC;
        description.filter_format = LIBXSMM_DNN_TENSOR_FORMAT_CKPACKED;
        libxsmm_dnn_err_t status = LIBXSMM_DNN_SUCCESS;
        handle_.reset(libxsmm_dnn_create_rnncell(description, &status));
        require(status, "libxsmm_dnn_create_rnncell");
        require(libxsmm_dnn_rnncell_allocate_forget_bias(handle_.get(), 0.0F),
                "libxsmm_dnn_rnncell_allocate_forget_bias");
    }

    void bind_forward(CellKind cell) {
        bind(LIBXSMM_DNN_RNN_REGULAR_INPUT, x_);
        bind(LIBXSMM_DNN_RNN_REGULAR_WEIGHT, U_);
        bind(LIBXSMM_DNN_RNN_REGULAR_RECUR_WEIGHT, W_);
        bind(LIBXSMM_DNN_RNN_REGULAR_BIAS, b_);
        bind(LIBXSMM_DNN_RNN_REGULAR_HIDDEN_STATE, h_);
        bind_own(LIBXSMM_DNN_RNN_REGULAR_HIDDEN_STATE_PREV);
        if (cell != CellKind::lstm) return;
        for (const auto type :
             {LIBXSMM_DNN_RNN_REGULAR_CS_PREV, LIBXSMM_DNN_RNN_REGULAR_CS, LIBXSMM_DNN_RNN_INTERNAL_I,
              LIBXSMM_DNN_RNN_INTERNAL_F, LIBXSMM_DNN_RNN_INTERNAL_O, LIBXSMM_DNN_RNN_INTERNAL_CI,
              LIBXSMM_DNN_RNN_INTERNAL_CO})
            bind_own(type);
    }

    void bind_backward(CellKind cell) {
        bind(LIBXSMM_DNN_RNN_REGULAR_WEIGHT_TRANS, U_transposed_);
        bind(LIBXSMM_DNN_RNN_REGULAR_RECUR_WEIGHT_TRANS, W_transposed_);
        bind(LIBXSMM_DNN_RNN_GRADIENT_HIDDEN_STATE, dh_);
        bind(LIBXSMM_DNN_RNN_GRADIENT_INPUT, dX_);
        bind(LIBXSMM_DNN_RNN_GRADIENT_WEIGHT, dU_);
        bind(LIBXSMM_DNN_RNN_GRADIENT_RECUR_WEIGHT, dW_);
        bind(LIBXSMM_DNN_RNN_GRADIENT_BIAS, db_);
        bind_own(LIBXSMM_DNN_RNN_GRADIENT_HIDDEN_STATE_PREV);
        if (cell != CellKind::lstm) return;
        for (const auto type : {LIBXSMM_DNN_RNN_GRADIENT_CS_PREV, LIBXSMM_DNN_RNN_GRADIENT_CS})
            bind_own(type);
    }

    // Scratch and, for the Elman cell, the state that forward leaves to backward.
    void bind_memory() {
        constexpr auto kind = LIBXSMM_DNN_COMPUTE_KIND_ALL;
        libxsmm_dnn_err_t status = LIBXSMM_DNN_SUCCESS;
        scratch_.resize(libxsmm_dnn_rnncell_get_scratch_size(handle_.get(), kind, &status) / sizeof(float));
        require(status, "libxsmm_dnn_rnncell_get_scratch_size");
        require(libxsmm_dnn_rnncell_bind_scratch(handle_.get(), kind, scratch_.data()),
                "libxsmm_dnn_rnncell_bind_scratch");
        state_.resize(libxsmm_dnn_rnncell_get_internalstate_size(handle_.get(), kind, &status) /
                      sizeof(float));
        require(status, "libxsmm_dnn_rnncell_get_internalstate_size");
        require(libxsmm_dnn_rnncell_bind_internalstate(handle_.get(), kind, state_.data()),
                "libxsmm_dnn_rnncell_bind_internalstate");
    }

    // Hands `values` to the cell, made as large as the cell wants them.
    void bind(libxsmm_dnn_tensor_type type, Floats& values) {
        libxsmm_dnn_err_t status = LIBXSMM_DNN_SUCCESS;
        const Owned<libxsmm_dnn_tensor_datalayout> layout(
            libxsmm_dnn_rnncell_create_tensor_datalayout(handle_.get(), type, &status));
        require(status, "libxsmm_dnn_rnncell_create_tensor_datalayout");
        const std::size_t count = libxsmm_dnn_get_tensor_elements(layout.get(), &status);
        require(status, "libxsmm_dnn_get_tensor_elements");
        if (!values.empty() && values.size() != count)
            throw std::logic_error("libxsmm wants " + std::to_string(count) + " values, not " +
                                   std::to_string(values.size()));
        values.resize(count);
        tensors_.emplace_back(libxsmm_dnn_link_tensor(layout.get(), values.data(), &status));
        require(status, "libxsmm_dnn_link_tensor");
        require(libxsmm_dnn_rnncell_bind_tensor(handle_.get(), tensors_.back().get(), type),
                "libxsmm_dnn_rnncell_bind_tensor");
    }

    // Initial states and the gradient of the last one, all zero, and what is of use to the cell alone.
    void bind_own(libxsmm_dnn_tensor_type type) {
        Floats values;
        bind(type, values);
        own_.push_back(std::move(values));
    }

    void execute(libxsmm_dnn_compute_kind kind) {
        libxsmm_dnn_err_t status = LIBXSMM_DNN_SUCCESS;
#pragma omp parallel num_threads(threads_) reduction(max : status) if (threads_ > 1)
        status = libxsmm_dnn_rnncell_execute_st(handle_.get(), kind, 0, omp_get_thread_num());
        require(status, "libxsmm_dnn_rnncell_execute_st");
    }

    // Blocks stand by gate, then by unit, then by input; in a block, a row is an input. Calls `visit` with
    // the places of a weight in the problem's matrix and in libxsmm's.
    template <class Visit>
    void for_each_weight(Visit visit) const {
        std::size_t blocked = 0;
        for (Index gate = 0; gate < gates_; ++gate) {
            const Index column = place_of_gate[static_cast<std::size_t>(gate)] * size_.hidden;
            for (Index unit = 0; unit < size_.hidden; unit += block_) {
                for (Index input = 0; input < size_.hidden; ++input) {
                    const Index plain = input * gates_ * size_.hidden + column + unit;
                    for (Index i = 0; i < block_; ++i) visit(static_cast<std::size_t>(plain + i), blocked++);
                }
            }
        }
    }

    Floats into_blocks(const Floats& plain) const {
        Floats blocks(plain.size());
        for_each_weight([&](std::size_t from, std::size_t to) { blocks[to] = plain[from]; });
        return blocks;
    }

    Floats from_blocks(const Floats& blocks) const {
        Floats plain(blocks.size());
        for_each_weight([&](std::size_t to, std::size_t from) { plain[to] = blocks[from]; });
        return plain;
    }

    // From the problem's order to libxsmm's, and since it exchanges two gates, back as well.
    Floats reorder_gates(const Floats& bias) const {
        Floats reordered(bias.size());
        for (Index gate = 0; gate < gates_; ++gate) {
            const Index from = place_of_gate[static_cast<std::size_t>(gate)] * size_.hidden;
            std::copy_n(bias.begin() + from, size_.hidden, reordered.begin() + gate * size_.hidden);
        }
        return reordered;
    }

    void transpose(const Floats& weights, Floats& transposed) const {
        const Index blocks = size_.hidden / block_;
        const Index area = block_ * block_;
        const auto width = static_cast<libxsmm_blasint>(block_);
        for (Index gate = 0; gate < gates_; ++gate) {
            for (Index unit = 0; unit < blocks; ++unit) {
                for (Index input = 0; input < blocks; ++input) {
                    const float* from =
                        &weights[static_cast<std::size_t>(((gate * blocks + unit) * blocks + input) * area)];
                    float* to = &transposed[static_cast<std::size_t>(
                        ((gate * blocks + input) * blocks + unit) * area)];
                    libxsmm_otrans(to, from, sizeof(float), width, width, width, width);
                }
            }
        }
    }

    Size size_;
    Index gates_, block_;
    int threads_;
    Floats x_, U_, W_, b_, h_, dh_, dX_, dU_, dW_, db_, U_transposed_, W_transposed_;
    Floats scratch_, state_;
    std::vector<Floats> own_;
    double loss_ = 0;

    Owned<libxsmm_dnn_rnncell> handle_;
    std::vector<Owned<libxsmm_dnn_tensor>> tensors_;
};

}  // namespace

std::string libxsmm_omission(CellKind cell, Size size) {
    if (cell == CellKind::gru) return "its GRU resets the state before the recurrent product, not after it";
    const Index multiple = granularity(cell, size.hidden);
    if (size.hidden % multiple != 0)
        return "its cell wants H = " + std::to_string(size.hidden) + " to be a multiple of " +
               std::to_string(multiple);
    if (cell == CellKind::elman && size.steps < 2) return "its Elman cell wants two time steps or more";
    return {};
}

std::unique_ptr<Contender> make_libxsmm_rnncell(const Problem& problem) {
    if (!libxsmm_omission(problem.cell, problem.size).empty()) return nullptr;
    return std::make_unique<LibxsmmRnncell>(problem);
}

}  // namespace tapeloop::benchmarks
