#include <tests/nn/every_cell.hpp>

#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/cells/linear/min_gru_cell.hpp>
#include <nn/cells/linear/min_lstm_cell.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/cells/linear/selective_ssm_cell.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/layers/linear.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>
#include <nn/wrappers/zoneout.hpp>

namespace tapeloop::test {

std::vector<NamedLayer> every_cell(nn::Generator& g) {
    const auto elman = [&] { return nn::ElmanCell<double>(4, 4, g); };
    const auto lstm = [&] { return nn::LstmCell<double>(4, 4, g); };
    const auto variant = [&](const nn::LstmVariantOptions& options) {
        return nn::LstmVariantCell<double>(4, 4, g, options);
    };
    std::vector<NamedLayer> all;
    const auto add = [&](std::string name, nn::AnyLayer<double> layer) {
        all.push_back({std::move(name), std::move(layer), false});
    };
    add("Elman", elman());
    add("LSTM", lstm());
    add("GRU", nn::GruCell<double>(4, 4, g));
    add("GRU, update takes", nn::GruCell<double>(4, 4, g, {.update = nn::Update::takes}));
    add("GRU, reset before", nn::ResetBeforeGruCell<double>(4, 4, g));
    add("GRU, minimal", nn::MinimalGruCell<double>(4, 4, g));
    all.push_back({"minGRU", nn::MinGruCell<double>(4, 4, g), true});
    all.push_back({"minLSTM", nn::MinLstmCell<double>(4, 4, g), true});
    all.push_back({"SRU", nn::SruCell<double>(4, 4, g), true});
    all.push_back({"SRU of another width", nn::SruCell<double>(4, 3, g), true});
    all.push_back({"QRNN", nn::QrnnCell<double>(4, 4, g), true});
    all.push_back({"selective state space", nn::SelectiveSsmCell<double>(4, 3, g), true});
    all.push_back({"LRU", nn::LruCell<double>(4, 3, g), true});
    add("LSTM variant", variant({}));
    add("LSTM with peepholes", variant({.peephole = true}));
    add("LSTM, coupled", variant({.coupled = true}));
    add("LSTM, projected", variant({.projection = 3, .projection_bias = true, .projection_clip = 2}));
    add("LSTM, normalised", variant({.peephole = true, .layer_norm = true, .cell_clip = 2}));
    add("attention",
        nn::AttentionCell(nn::ElmanCell<double>(7, 4, g), nn::AdditiveAttention<double>(4, 3, 5, g), 3));
    add("zoneout", nn::Zoneout(lstm(), {.hidden = 0.2, .memory = 0.3}));
    add("recurrent dropout", nn::RecurrentDropout(lstm(), 0.3));
    add("residual", nn::Residual(elman()));
    add("reversed", nn::Reversed(nn::GruCell<double>(4, 4, g)));
    add("both directions", nn::Bidirectional(lstm(), elman()));
    nn::Stack<double> linear_stack;
    linear_stack.add("encoder",
                     nn::Bidirectional(nn::SruCell<double>(4, 2, g), nn::QrnnCell<double>(4, 2, g)));
    linear_stack.add("states", nn::Residual(nn::SelectiveSsmCell<double>(4, 3, g)));
    all.push_back({"stack without a loop", std::move(linear_stack), true});
    nn::Stack<double> stack;
    stack.add("encoder", lstm());
    stack.add("linear", nn::Linear<double>(4, 4, g));
    stack.add("both", nn::Bidirectional(elman(), elman(), nn::Merge::sum));
    stack.add("decoder", nn::GruCell<double>(4, 4, g));
    add("stack", std::move(stack));
    return all;
}

}  // namespace tapeloop::test
