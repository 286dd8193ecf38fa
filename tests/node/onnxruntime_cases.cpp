#include <tests/autograd/ops/onnx_counterparts.hpp>
#include <tests/node/user_cells.hpp>

#include <fmt/format.h>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/cells/linear/min_gru_cell.hpp>
#include <nn/cells/linear/min_lstm_cell.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/cells/linear/selective_ssm_cell.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/minimal_gru_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/files/onnx/onnx.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/layers/masked_softmax.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/zoneout.hpp>

#include <cstdio>

// onnxruntime_cases FOLDER: writes models, each with inputs and the outputs that are computed here.

namespace {

using namespace tapeloop;
using nn::Generator;

/// Extents other than those with which a model is recorded.
constexpr std::array<std::array<std::size_t, 2>, 3> all_extents{{{4, 3}, {1, 1}, {6, 2}}};
/// Time steps of what is attended to.
constexpr std::array<std::size_t, 3> all_sources{5, 1, 2};

Generator generator(14);

std::filesystem::path folder;

/// The names of the operations that stand in a model.
std::set<std::string> written;

void note_operations_of(const Tape<float>& tape) {
    for (NodeIndex index = 0; index < tape.size(); ++index)
        if (tape.node(index).operation != nullptr) written.emplace(tape.node(index).operation->name());
}

/// The runs of one model, by and by.
class Runs {
  public:
    void add(std::size_t run, std::string_view side, std::string_view port, const Tensor<float>& values) {
        arrays_.arrays.emplace(fmt::format("{}/{}/{}", run, side, port), values);
    }
    void add(std::size_t run, std::string_view port, const std::vector<std::int64_t>& values,
             const Shape& shape) {
        xt::xarray<std::int64_t> array(std::vector<std::size_t>(shape.begin(), shape.end()));
        std::copy(values.begin(), values.end(), array.begin());
        arrays_.arrays.emplace(fmt::format("{}/in/{}", run, port), std::move(array));
    }
    void write(const std::string& name) const {
        nn::write_safetensors(folder / (name + ".safetensors"), arrays_);
    }

  private:
    nn::NamedArrays arrays_;
};

Tensor<float> random(const Shape& shape) { return nn::uniform<float>(shape, -1.5, 1.5, generator); }

Tensor<float> exchanged(const Tensor<float>& x) {
    const Tape<float> tape;
    std::vector<int> axes{1, 0};
    for (int axis = 2; axis < static_cast<int>(x.dimension()); ++axis) axes.push_back(axis);
    return transpose(input(x), axes).value();
}

/// Weights other than those that a layer starts with, most of which are 0 or 1.
template <class L>
void disturb(L& layer) {
    for (const auto& entry : layer.parameters())
        for (float& element : entry.parameter->update())
            element += static_cast<float>(generator.uniform(-0.3, 0.3));
}

std::vector<std::size_t> lengths_of(std::size_t rows, std::size_t time_steps) {
    std::vector<std::size_t> lengths;
    for (std::size_t row = 0; row < rows; ++row) lengths.push_back((time_steps + row) % (time_steps + 1));
    return lengths;
}

/// The number of a state's last parts that do not go in and out of a model: what is attended to.
template <class L>
constexpr std::size_t attended_parts() {
    if constexpr (requires(L & layer) { layer.attention; })
        return 3;
    else if constexpr (requires(L & layer) { layer.inner; })
        return attended_parts<decltype(L::inner)>();
    else
        return 0;
}

/// The state that a layer starts from; of one that attends to something, after adding that to the run.
template <class L>
auto first_state(const L& layer, Runs& runs, std::size_t run, std::size_t rows,
                 const nn::OnnxOptions& options) {
    if constexpr (requires { layer.attention; }) {
        const std::size_t S = all_sources[run];
        const Tensor<float> source = random({S, rows, layer.source_size});
        runs.add(run, "in", "source", options.batch_first ? exchanged(source) : source);
        if (!options.source_lengths) return layer.attending(source);
        const std::vector<std::size_t> lengths = lengths_of(rows, S);
        runs.add(run, "source_lengths", {lengths.begin(), lengths.end()}, {rows});
        return layer.attending(source, lengths);
    } else if constexpr (attended_parts<L>() != 0) {
        return first_state(layer.inner, runs, run, rows, options);
    } else {
        return layer.initial_state(rows);
    }
}

/// A recurrent layer.
template <class L>
void write(const std::string& name, L layer, const nn::OnnxOptions& options = {}) {
    disturb(layer);
    nn::save_onnx(folder / (name + ".onnx"), layer, options);
    Runs runs;
    for (std::size_t run = 0; run < all_extents.size(); ++run) {
        const auto [T, B] = all_extents[run];
        const Tape<float> tape;
        const Tensor<float> x = random({T, B, 4});
        nn::UnrollOptions unrolled;
        if (options.lengths) {
            unrolled.lengths = lengths_of(B, T);
            runs.add(run, "lengths", {unrolled.lengths.begin(), unrolled.lengths.end()}, {B});
        }
        runs.add(run, "in", "input", options.batch_first ? exchanged(x) : x);
        auto state = first_state(layer, runs, run, B, options);
        std::size_t parts = 0;
        nn::for_each_part([&](const Var<float>&) { ++parts; }, state);
        parts -= attended_parts<L>();
        std::size_t part = 0;
        if (options.states)
            state = nn::map_state(
                [&](const Var<float>& usual) {
                    if (part == parts) return usual;
                    const Tensor<float> given = random(usual.shape());
                    runs.add(run, "in", fmt::format("state{}", part++), given);
                    return input(given);
                },
                state);
        const auto result = nn::unroll(layer, x, state, unrolled);
        const Tensor<float> outputs = result.outputs.value();
        runs.add(run, "out", "output", options.batch_first ? exchanged(outputs) : outputs);
        part = 0;
        if (options.states)
            nn::for_each_part(
                [&](const Var<float>& last) {
                    if (part == parts) return;
                    runs.add(run, "out", fmt::format("final_state{}", part++), last.value());
                },
                result.state);
        note_operations_of(tape);
    }
    runs.write(name);
}

/// A function of a sequence.
template <class F>
void write_function(const std::string& name, const F& function) {
    nn::OnnxModel<float> model({.input = {4}});
    model.add(function);
    model.save(folder / (name + ".onnx"));
    Runs runs;
    for (std::size_t run = 0; run < all_extents.size(); ++run) {
        const auto [T, B] = all_extents[run];
        const Tape<float> tape({.fuse = false});  // every operation by its own name
        const Tensor<float> x = random({T, B, 4});
        runs.add(run, "in", "input", x);
        runs.add(run, "out", "output", function(input(x)).value());
        note_operations_of(tape);
    }
    runs.write(name);
}

void write_library_cells() {
    Generator& g = generator;
    write("elman", nn::ElmanCell<float>(4, 3, g));
    write("elman_relu", nn::ElmanCell<float>(4, 3, g, {.activation = nn::Activation::relu}));
    write("elman_sigmoid", nn::ElmanCell<float>(4, 3, g, {.activation = nn::Activation::sigmoid}));
    write("lstm", nn::LstmCell<float>(4, 3, g));
    write("lstm_states", nn::LstmCell<float>(4, 3, g), {.states = true});
    write("lstm_lengths", nn::LstmCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("lstm_batch_first", nn::LstmCell<float>(4, 3, g), {.batch_first = true, .lengths = true});
    for (const auto update : {nn::Update::keeps, nn::Update::takes})
        for (const auto gate : {nn::GateActivation::sigmoid, nn::GateActivation::hard_sigmoid}) {
            const nn::GruOptions options{.update = update, .gate_activation = gate};
            const std::string kind = fmt::format("{}{}", static_cast<int>(update), static_cast<int>(gate));
            write("gru_" + kind, nn::GruCell<float>(4, 3, g, options));
            write("gru_reset_before_" + kind, nn::ResetBeforeGruCell<float>(4, 3, g, options));
            write("gru_minimal_" + kind, nn::MinimalGruCell<float>(4, 3, g, options));
        }
    write("gru_states", nn::GruCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("min_gru", nn::MinGruCell<float>(4, 3, g));
    write("min_gru_states", nn::MinGruCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("min_lstm", nn::MinLstmCell<float>(4, 3, g));
    write("min_lstm_states", nn::MinLstmCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("sru", nn::SruCell<float>(4, 4, g));
    write("sru_states", nn::SruCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("qrnn", nn::QrnnCell<float>(4, 3, g));
    write("qrnn_states", nn::QrnnCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("selective_ssm", nn::SelectiveSsmCell<float>(4, 3, g));
    write("selective_ssm_states", nn::SelectiveSsmCell<float>(4, 3, g), {.lengths = true, .states = true});
    write("lru", nn::LruCell<float>(4, 3, g));
    write("lru_states", nn::LruCell<float>(4, 3, g), {.lengths = true, .states = true});
}

void write_variants() {
    const auto variant = [](const std::string& name, const nn::LstmVariantOptions& options,
                            const nn::OnnxOptions& onnx = {}) {
        write("variant_" + name, nn::LstmVariantCell<float>(4, 3, generator, options), onnx);
    };
    variant("plain", {});
    variant("peephole", {.peephole = true});
    variant("coupled", {.peephole = true, .coupled = true});
    variant("projected", {.projection = 2, .projection_bias = true, .projection_clip = 0.5});
    variant("normalised", {.layer_norm = true, .cell_clip = 0.6});
    variant("normalised_peephole", {.peephole = true, .coupled = true, .layer_norm = true});
    variant("hard", {.gate_activation = nn::GateActivation::hard_sigmoid});
    variant("states", {.projection = 2}, {.batch_first = true, .lengths = true, .states = true});
}

void write_wrappers() {
    Generator& g = generator;
    const auto elman = [&] { return nn::ElmanCell<float>(4, 4, g); };
    const auto lstm = [&] { return nn::LstmCell<float>(4, 4, g); };
    const auto minimal = [&] { return nn::MinimalGruCell<float>(4, 4, g); };
    write("zoneout", nn::Zoneout(lstm(), {.hidden = 0.2, .memory = 0.3}));
    write("recurrent_dropout", nn::RecurrentDropout(lstm(), 0.3));
    write("residual", nn::Residual(minimal()), {.lengths = true});
    write("residual_directions", nn::Residual(nn::Bidirectional(elman(), elman(), nn::Merge::sum)));
    write("reversed", nn::Reversed(nn::GruCell<float>(4, 4, g)), {.lengths = true, .states = true});
    write("reversed_scan", nn::Reversed(minimal()), {.lengths = true, .states = true});
    write("directions_lstm", nn::Bidirectional(lstm(), lstm()), {.lengths = true, .states = true});
    write("directions_gru", nn::Bidirectional(nn::GruCell<float>(4, 3, g), nn::GruCell<float>(4, 3, g)));
    write("directions_scan", nn::Bidirectional(minimal(), minimal(), nn::Merge::product), {.states = true});
    write("directions_both", nn::Bidirectional(lstm(), elman(), nn::Merge::average), {.states = true});
    write("directions_of_directions",
          nn::Reversed(nn::Bidirectional(elman(), nn::ElmanCell<float>(4, 2, g), nn::Merge::concat)));
    nn::Stack<float> stack(lstm(), nn::Dropout{0.2}, nn::Bidirectional(minimal(), minimal()),
                           nn::Linear<float>(8, 4, g), test::MinimalGatedCell(g), nn::Linear<float>(3, 4, g),
                           [](const Var<float>& x) { return gelu(x) + 0.1F; });
    stack.add(nn::Stack<float>(elman(), nn::LayerNorm<float>(4)));
    write("stack", std::move(stack), {.batch_first = true, .lengths = true, .states = true});
}

void write_attention() {
    Generator& g = generator;
    const auto additive = [&] {
        return nn::AttentionCell(nn::LstmCell<float>(7, 5, g), nn::AdditiveAttention<float>(5, 3, 2, g), 3);
    };
    const auto dot = [&](bool scaled) {
        return nn::AttentionCell(nn::GruCell<float>(7, 3, g),
                                 nn::DotAttention<float>(nn::DotAttentionOptions{.scaled = scaled}), 3);
    };
    write("attention", additive());
    write("attention_lengths", additive(), {.lengths = true, .source_lengths = true, .states = true});
    write("attention_batch_first", additive(), {.batch_first = true, .source_lengths = true});
    write("attention_dot", dot(false), {.states = true});
    write("attention_scaled", dot(true), {.source_lengths = true});
    write("attention_reversed", nn::Reversed(dot(false)), {.lengths = true});
    write("attention_around_zoneout",
          nn::AttentionCell(nn::Zoneout(nn::MinimalGruCell<float>(7, 3, g)),
                            nn::AdditiveAttention<float>(3, 3, 4, g), 3),
          {.states = true});
    write("attention_residual", nn::Residual(nn::AttentionCell(nn::ElmanCell<float>(6, 2, g),
                                                               nn::AdditiveAttention<float>(2, 2, 4, g), 2)));
}

void write_user_cells() {
    for (const bool lengths : {false, true}) {
        const std::string kind = lengths ? "_lengths" : "";
        const nn::OnnxOptions options{.lengths = lengths, .states = lengths};
        write("user_minimal" + kind, test::MinimalGatedCell(generator), options);
        write("user_antisymmetric" + kind, test::AntisymmetricCell(generator), options);
        write("user_slots" + kind, test::SlotCell(generator), options);
        write("user_counting" + kind, test::CountingCell(generator), options);
        write("user_puzzle" + kind, test::PuzzleCell(generator), options);
    }
}

void write_language_model() {
    nn::Embedding<float> embedding(7, 4, generator);
    nn::Stack<float> stack(nn::LstmCell<float>(4, 5, generator), nn::Linear<float>(5, 7, generator));
    const auto probabilities = [](const Var<float>& x) { return softmax(x); };
    nn::OnnxModel<float> model({.batch_first = true});
    model.add(embedding);
    model.add(stack);
    model.add(probabilities);
    model.save(folder / "language_model.onnx");
    Runs runs;
    for (std::size_t run = 0; run < all_extents.size(); ++run) {
        const auto [T, B] = all_extents[run];
        std::vector<std::int64_t> tokens;
        for (std::size_t i = 0; i < T * B; ++i)
            tokens.push_back(static_cast<std::int64_t>(generator.below(7)));
        const Tape<float> tape;
        const Var<float> x = transpose(embedding(Indices(tokens).reshaped({B, T})), {1, 0, 2});
        runs.add(run, "input", tokens, {B, T});
        runs.add(run, "out", "output", exchanged(probabilities(nn::unroll(stack, x).outputs).value()));
    }
    runs.write("language_model");
}

/// Operations made by `custom` that say their counterpart, in a function and in a cell's step.
void write_custom() {
    const auto softsign =
        custom(
            "softsign", [](const auto& x) { return x / (1 + abs(x)); },
            [](const auto& g, const auto&, const auto& x) { return g / ((1 + abs(x)) * (1 + abs(x))); })
            .onnx("Softsign");
    const auto blend =
        custom(
            "blend", [](const auto& p, const auto& a, const auto& b) { return b + p * (a - b); },
            [](const auto& g, const auto&, const auto&, const auto& a, const auto& b) { return g * (a - b); },
            [](const auto& g, const auto&, const auto& p, const auto&, const auto&) { return g * p; },
            [](const auto& g, const auto&, const auto& p, const auto&, const auto&) { return g * (1 - p); })
            .onnx([](const OnnxValue& p, const OnnxValue& a, const OnnxValue& b) {
                return onnx_node("Add", {b, onnx_node("Mul", {p, onnx_node("Sub", {a, b})})});
            });
    write_function("custom", [&](const Var<float>& x) {
        return concatenate({softsign(x), blend(sigmoid(x), x, softsign(2 * x))}, -1);
    });
    const auto step = [softsign, blend](const Var<float>& x, const Var<float>& h) {
        return blend(sigmoid(x), softsign(x - h), h);
    };
    write("user_custom", test::StepCell(step), {.input = {4}, .lengths = true, .states = true});
}

void write_functions() {
    const auto elementwise = [](const Var<float>& x) {
        const Var<float> positive = abs(x) + 0.1F;
        return concatenate({sin(x),
                            cos(x),
                            tanh(x),
                            sigmoid(x),
                            erf(x),
                            erfc(x),
                            exp(x),
                            log(positive),
                            expm1(0.001F * x),
                            log1p(0.001F * x),
                            log1p(positive),
                            sqrt(positive),
                            square(x),
                            pow(positive, x),
                            floor(x),
                            ceil(x),
                            round(x),
                            sign(x),
                            -x,
                            mod(x, 0.7F),
                            mod(x, -0.7F),
                            x / positive,
                            softplus(x),
                            log_sigmoid(x),
                            gelu(x),
                            silu(x),
                            relu(x),
                            leaky_relu(x),
                            elu(x, 0.5),
                            hard_sigmoid(3 * x),
                            clip(x, -0.2, 0.4),
                            minimum(x, 0.1F),
                            maximum(x, 0.1F),
                            less(x, 0),
                            less_equal(x, x),
                            equal(x, x),
                            where(less(x, 0), x, 2 * x)},
                           -1);
    };
    write_function("elementwise", elementwise);
    const auto reductions = [](const Var<float>& x) {
        return concatenate(
            {sum(x, -1, true), mean(x, -1, true), max(x, -1, true), min(x, -1, true), variance(x, -1, true),
             norm(x, -1, true), logsumexp(x, -1, true), prod(x, -1, true), softmax(x), log_softmax(x),
             cumsum(x, -1), nn::standardise(x), nn::masked_softmax(x, less(x, 0.3F)),
             expand_dims(sum(outer(sum(x, {0, 1}), mean(x, {0, 1})), 0), 0) * x},
            -1);
    };
    write_function("reductions", reductions);
    const auto moved = [](const Var<float>& x) {
        const Var<float> summed = sum(x, {0, 1});
        const Tensor<float> table = nn::ones<float>({5, 4});
        const Var<float> rows = scatter_add(table, {3, 0, 3}, stack({summed, 2 * summed, -summed}));
        return concatenate(
            {take_along(x, Indices({3, 0, 2}).reshaped({1, 1, 3}), -1),
             x * sum(gather_rows(rows, {3, 1, 0, 3}) * summed, -1), x * dot(summed, summed), flip(x, -1),
             roll(x, 1, -1), slice(x, -1, 1, 3), slice(x, -1, 0, 4, 2), columns(x, 1, 2),
             pad(x, {{0, 0}, {0, 0}, {1, 2}}), squeeze(transpose(expand_dims(x, 1), {0, 2, 3, 1}), -1),
             broadcast_to(mean(x, -1, true), x.shape()), detach(x),
             einsum("tbi,ij->tbj", x, slice(rows, 0, 1, 5))},
            -1);
    };
    write_function("moved", moved);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: onnxruntime_cases FOLDER\n");
        return 2;
    }
    folder = argv[1];
    std::filesystem::create_directories(folder);
    write_library_cells();
    write_variants();
    write_wrappers();
    write_attention();
    write_user_cells();
    write_language_model();
    write_custom();
    write_functions();
    int failures = 0;
    for (const std::string& name : test::names_of_all())
        if (!test::without_counterpart.contains(name) && !test::losses_with_counterpart.contains(name) &&
            !written.contains(name)) {
            fmt::print(stderr, "{} says a counterpart in ONNX, and stands in no model here\n", name);
            ++failures;
        }
    return failures == 0 ? 0 : 1;
}
