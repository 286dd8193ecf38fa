// oneDNN's own recurrent primitives: one call forward and one backward over the whole sequence.
//
// The parameters live in the plain layout that the problem gives them. oneDNN wants its own for speed, a
// different one forward and backward, and since an update changes the weights in every step, so must every
// step reorder them.
#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "contenders.hpp"
#include "loss_and_update.hpp"

namespace tapeloop::benchmarks {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

constexpr auto direction = dnnl::rnn_direction::unidirectional_left2right;

memory::desc describe(const memory::dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

// A matrix in the plain layout, and in the layout a primitive chose; the same memory where the two agree.
class Reordered {
  public:
    Reordered() = default;
    Reordered(const memory& plain, const memory::desc& chosen, const dnnl::engine& engine, bool into_plain)
        : chosen_(plain.get_desc() == chosen ? plain : memory(chosen, engine)),
          from_(into_plain ? chosen_ : plain),
          to_(into_plain ? plain : chosen_),
          needed_(plain.get_desc() != chosen) {
        if (needed_) reorder_ = dnnl::reorder(from_, to_);
    }

    void run(dnnl::stream& stream) {
        if (needed_) reorder_.execute(stream, from_, to_);
    }
    const memory& chosen() const { return chosen_; }

  private:
    memory chosen_, from_, to_;
    bool needed_ = false;
    dnnl::reorder reorder_;
};

class OnednnPrimitive final : public Contender {
  public:
    explicit OnednnPrimitive(const Problem& problem)
        : size_(problem.size),
          cell_(problem.cell),
          x_(problem.x),
          U_(problem.U),
          W_(problem.W),
          b_(problem.b),
          h_(x_.size()),
          dh_(x_.size()),
          dX_(x_.size()),
          dU_(U_.size()),
          dW_(W_.size()),
          initial_(static_cast<std::size_t>(size_.batch * size_.hidden)),
          d_initial_(initial_.size()),
          d_initial_c_(initial_.size()) {
        b_.insert(b_.end(), problem.b_recurrent.begin(), problem.b_recurrent.end());
        db_.resize(b_.size());
        describe_operands();
        switch (cell_) {
            case CellKind::elman:
                make_elman();
                break;
            case CellKind::gru:
                make_gru();
                break;
            case CellKind::lstm:
                make_lstm();
                break;
        }
    }

    void step(float learning_rate) override {
        for (auto* weights : {&forward_U_, &forward_W_}) weights->run(stream_);
        forward_.execute(stream_, forward_arguments_);
        loss_ = square_outputs(h_, dh_, static_cast<std::size_t>(size_.batch * size_.hidden));
        for (auto* weights : {&backward_U_, &backward_W_}) weights->run(stream_);
        clear_gradients();
        backward_.execute(stream_, backward_arguments_);
        for (auto* gradient : {&gradient_U_, &gradient_W_}) gradient->run(stream_);
        stream_.wait();
        descend(U_, dU_, learning_rate);
        descend(W_, dW_, learning_rate);
        descend(b_, db_, learning_rate);
    }

    Results results() const override {
        Results results{loss_, dX_, dU_, dW_, db_, {}};
        if (cell_ == CellKind::gru) {
            const auto split = results.db.end() - size_.hidden;
            results.db_recurrent.assign(split, results.db.end());
            results.db.erase(split, results.db.end());
        }
        return results;
    }

  private:
    void describe_operands() {
        const auto [T, B, H] = size_;
        const Index gates = gate_count(cell_);
        const Index biases = cell_ == CellKind::gru ? gates + 1 : gates;
        state_ = describe({1, 1, B, H}, Tag::ldnc);
        sequence_ = describe({T, B, H}, Tag::tnc);
        bias_ = describe({1, 1, biases, H}, Tag::ldgo);
        plain_weights_ = describe({1, 1, H, gates, H}, Tag::ldigo);
        any_weights_ = describe({1, 1, H, gates, H}, Tag::any);
    }

    // An empty description stands for a final state that nobody wants. The initial state may be left out
    // likewise by the documentation, but then oneDNN 2.6 multiplies by h_t instead of h_{t-1} for dW, for
    // LSTM and Elman cells.
    void make_elman() {
        using dnnl::algorithm;
        using Forward = dnnl::vanilla_rnn_forward;
        using Backward = dnnl::vanilla_rnn_backward;
        const Forward::primitive_desc forward(
            {dnnl::prop_kind::forward_training, algorithm::eltwise_tanh, direction, sequence_, state_,
             any_weights_, any_weights_, bias_, sequence_, none_},
            engine_);
        const Backward::primitive_desc backward(
            {dnnl::prop_kind::backward, algorithm::eltwise_tanh, direction, sequence_, state_, any_weights_,
             any_weights_, bias_, sequence_, none_, sequence_, state_, any_weights_, any_weights_, bias_,
             sequence_, none_},
            engine_, forward);
        adopt<Forward, Backward>(forward, backward);
    }

    void make_gru() {
        using Forward = dnnl::lbr_gru_forward;
        using Backward = dnnl::lbr_gru_backward;
        const Forward::primitive_desc forward({dnnl::prop_kind::forward_training, direction, sequence_,
                                               state_, any_weights_, any_weights_, bias_, sequence_, none_},
                                              engine_);
        const Backward::primitive_desc backward(
            {dnnl::prop_kind::backward, direction, sequence_, state_, any_weights_, any_weights_, bias_,
             sequence_, none_, sequence_, state_, any_weights_, any_weights_, bias_, sequence_, none_},
            engine_, forward);
        adopt<Forward, Backward>(forward, backward);
    }

    void make_lstm() {
        using Forward = dnnl::lstm_forward;
        using Backward = dnnl::lstm_backward;
        const Forward::primitive_desc forward(
            {dnnl::prop_kind::forward_training, direction, sequence_, state_, state_, any_weights_,
             any_weights_, bias_, sequence_, none_, none_},
            engine_);
        const Backward::primitive_desc backward({dnnl::prop_kind::backward,
                                                 direction,
                                                 sequence_,
                                                 state_,
                                                 state_,
                                                 any_weights_,
                                                 any_weights_,
                                                 bias_,
                                                 sequence_,
                                                 none_,
                                                 none_,
                                                 sequence_,
                                                 state_,
                                                 state_,
                                                 any_weights_,
                                                 any_weights_,
                                                 bias_,
                                                 sequence_,
                                                 none_,
                                                 none_},
                                                engine_, forward);
        adopt<Forward, Backward>(forward, backward);
    }

    template <class Forward, class Backward>
    void adopt(const typename Forward::primitive_desc& forward,
               const typename Backward::primitive_desc& backward) {
        forward_ = Forward(forward);
        backward_ = Backward(backward);
        const auto wrap = [this](const memory::desc& layout, Floats& values) {
            return memory(layout, engine_, values.data());
        };
        const memory U = wrap(plain_weights_, U_);
        const memory W = wrap(plain_weights_, W_);
        forward_U_ = {U, forward.weights_layer_desc(), engine_, false};
        forward_W_ = {W, forward.weights_iter_desc(), engine_, false};
        backward_U_ = {U, backward.weights_layer_desc(), engine_, false};
        backward_W_ = {W, backward.weights_iter_desc(), engine_, false};
        gradient_U_ = {wrap(plain_weights_, dU_), backward.diff_weights_layer_desc(), engine_, true};
        gradient_W_ = {wrap(plain_weights_, dW_), backward.diff_weights_iter_desc(), engine_, true};

        forward_arguments_ = {{DNNL_ARG_SRC_LAYER, wrap(sequence_, x_)},
                              {DNNL_ARG_SRC_ITER, wrap(state_, initial_)},

                              {DNNL_ARG_WEIGHTS_LAYER, forward_U_.chosen()},
                              {DNNL_ARG_WEIGHTS_ITER, forward_W_.chosen()},
                              {DNNL_ARG_BIAS, wrap(bias_, b_)},
                              {DNNL_ARG_DST_LAYER, wrap(sequence_, h_)},
                              {DNNL_ARG_WORKSPACE, memory(forward.workspace_desc(), engine_)}};
        if (cell_ == CellKind::lstm) forward_arguments_[DNNL_ARG_SRC_ITER_C] = wrap(state_, initial_);
        backward_arguments_ = forward_arguments_;
        if (cell_ == CellKind::lstm)
            backward_arguments_[DNNL_ARG_DIFF_SRC_ITER_C] = wrap(state_, d_initial_c_);
        backward_arguments_[DNNL_ARG_WEIGHTS_LAYER] = backward_U_.chosen();
        backward_arguments_[DNNL_ARG_WEIGHTS_ITER] = backward_W_.chosen();
        backward_arguments_[DNNL_ARG_DIFF_SRC_ITER] = wrap(state_, d_initial_);
        backward_arguments_[DNNL_ARG_DIFF_SRC_LAYER] = wrap(sequence_, dX_);
        backward_arguments_[DNNL_ARG_DIFF_WEIGHTS_LAYER] = gradient_U_.chosen();
        backward_arguments_[DNNL_ARG_DIFF_WEIGHTS_ITER] = gradient_W_.chosen();
        backward_arguments_[DNNL_ARG_DIFF_BIAS] = wrap(bias_, db_);
        backward_arguments_[DNNL_ARG_DIFF_DST_LAYER] = wrap(sequence_, dh_);
    }

    // The backward primitive adds to its weight gradients.
    void clear_gradients() {
        for (const auto* gradient : {&gradient_U_, &gradient_W_}) {
            auto* values = static_cast<float*>(gradient->chosen().get_data_handle());
            std::fill_n(values, gradient->chosen().get_desc().get_size() / sizeof(float), 0.0F);
        }
        std::fill(db_.begin(), db_.end(), 0.0F);
    }

    Size size_;
    CellKind cell_;
    Floats x_, U_, W_, b_, h_, dh_, dX_, dU_, dW_, db_;
    Floats initial_, d_initial_, d_initial_c_;
    double loss_ = 0;

    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream_{engine_};
    memory::desc none_, state_, sequence_, bias_, plain_weights_, any_weights_;
    dnnl::primitive forward_, backward_;
    Reordered forward_U_, forward_W_, backward_U_, backward_W_, gradient_U_, gradient_W_;
    Arguments forward_arguments_, backward_arguments_;
};

}  // namespace

std::unique_ptr<Contender> make_onednn_primitive(const Problem& problem) {
    return std::make_unique<OnednnPrimitive>(problem);
}

}  // namespace tapeloop::benchmarks
