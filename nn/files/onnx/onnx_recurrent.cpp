#include <fmt/format.h>
#include <nn/files/onnx/onnx_recurrent.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

/// A gate: its place in the cell's packed weights, and the factor of its pre-activation.
struct Gate {
    std::size_t place;
    float factor = 1;
};
using Gates = std::vector<Gate>;

/// Appends weights [rows, n H] as the operators have them, [n H, rows], with gates in this order.
template <class T>
void append_gates(std::vector<float>& to, const Tensor<T>& packed, std::size_t rows, std::size_t hidden_size,
                  const Gates& gates) {
    const std::size_t columns = packed.size() / rows;
    for (const Gate& gate : gates)
        for (std::size_t j = 0; j < hidden_size; ++j)
            for (std::size_t i = 0; i < rows; ++i)
                to.push_back(gate.factor *
                             static_cast<float>(packed.data()[i * columns + gate.place * hidden_size + j]));
}

/// A cell of packed U [I, n H] and b [n H]; what belongs to the state follows.
template <class T>
OnnxRecurrent with_inputs(std::string_view op, const Parameter<T>& U, const Parameter<T>& b,
                          const Gates& gates) {
    OnnxRecurrent result{.op = std::string(op)};
    result.input_size = U.shape()[0];
    result.hidden_size = U.shape()[1] / gates.size();
    append_gates(result.W, U.value(), result.input_size, result.hidden_size, gates);
    append_gates(result.B, b.value(), 1, result.hidden_size, gates);
    return result;
}

Gates gru_gates(const GruOptions& options) {
    return {{0, options.update == Update::takes ? -1.0F : 1.0F}, {1}, {2}};
}

void set_gate_activation(OnnxRecurrent& cell, const GruOptions& options) {
    cell.activations = {options.gate_activation == GateActivation::sigmoid ? "Sigmoid" : "HardSigmoid",
                        "Tanh"};
}

}  // namespace

template <class T>
OnnxRecurrent onnx_recurrent(const LstmCell<T>& cell) {
    const Gates iofc{{0}, {3}, {1}, {2}};
    OnnxRecurrent result = with_inputs("LSTM", cell.U, cell.b, iofc);
    append_gates(result.R, cell.W.value(), result.hidden_size, result.hidden_size, iofc);
    result.B.resize(8 * result.hidden_size, 0);
    result.activations = {"Sigmoid", "Tanh", "Tanh"};
    return result;
}

template <class T>
OnnxRecurrent onnx_recurrent(const GruCell<T>& cell) {
    const Gates gates = gru_gates(cell.options);
    OnnxRecurrent result = with_inputs("GRU", cell.U, cell.b, gates);
    const std::size_t H = result.hidden_size;
    append_gates(result.R, cell.W.value(), H, H, gates);
    result.B.resize(5 * H, 0);
    append_gates(result.B, cell.b_recurrent.value(), 1, H, {{0}});
    set_gate_activation(result, cell.options);
    result.attributes = {{"linear_before_reset", 1}};
    return result;
}

template <class T>
OnnxRecurrent onnx_recurrent(const ResetBeforeGruCell<T>& cell) {
    const Gates gates = gru_gates(cell.options);
    OnnxRecurrent result = with_inputs("GRU", cell.U, cell.b, gates);
    const std::size_t H = result.hidden_size;
    append_gates(result.R, cell.W.value(), H, H, {gates[0], gates[1]});
    append_gates(result.R, cell.W_candidate.value(), H, H, {{0}});
    result.B.resize(6 * H, 0);
    set_gate_activation(result, cell.options);
    result.attributes = {{"linear_before_reset", 0}};
    return result;
}

template <class T>
OnnxRecurrent onnx_recurrent(const ElmanCell<T>& cell) {
    OnnxRecurrent result = with_inputs("RNN", cell.U, cell.b, {{0}});
    append_gates(result.R, cell.W.value(), result.hidden_size, result.hidden_size, {{0}});
    result.B.resize(2 * result.hidden_size, 0);
    const bool is_relu = cell.activation == Activation::relu;
    result.activations = {is_relu ? "Relu" : cell.activation == Activation::tanh ? "Tanh" : "Sigmoid"};
    return result;
}

namespace {

/// The operator while it is put together, for one direction or two.
class Recurrent {
  public:
    Recurrent(OnnxBuilder& builder, const std::vector<OnnxRecurrent>& directions, const OnnxValue& sequence)
        : builder_(builder), directions_(directions), cell_(directions.front()), sequence_(sequence) {
        const Shape& shape = sequence.shape();
        if (shape.rank() != 3 || shape[2] != cell_.input_size)
            throw std::invalid_argument(
                fmt::format("save_onnx: a cell reads {}, and its U has {} rows; it must read [T, B, {}]",
                            shape.text(), cell_.input_size, cell_.input_size));
        builder_.set_origin(cell_.op);
    }

    OnnxValue append(std::string_view direction) {
        const std::string name = builder_.fresh(cell_.op);
        OnnxNode node{cell_.op, {builder_.emit(sequence_)}, {}, cell_.attributes};
        const std::size_t rows = cell_.gates() * cell_.hidden_size;
        node.inputs.push_back(stacked(name + ".W", &OnnxRecurrent::W, {rows, cell_.input_size}));
        node.inputs.push_back(stacked(name + ".R", &OnnxRecurrent::R, {rows, cell_.hidden_size}));
        node.inputs.push_back(stacked(name + ".B", &OnnxRecurrent::B, {2 * rows}));
        node.inputs.push_back(builder_.emit(builder_.lengths()));
        for (const OnnxValue& state : initial_states()) node.inputs.push_back(builder_.emit(state));
        while (node.inputs.back().empty()) node.inputs.pop_back();
        node.outputs = {builder_.fresh(name + ".Y"), builder_.fresh(name + ".Y_h")};
        if (cell_.has_memory()) node.outputs.push_back(builder_.fresh(name + ".Y_c"));
        std::vector<std::string> activations;
        for (const OnnxRecurrent& one : directions_)
            activations.insert(activations.end(), one.activations.begin(), one.activations.end());
        node.attributes.emplace_back("activations", std::move(activations));
        node.attributes.emplace_back("hidden_size", static_cast<int>(cell_.hidden_size));
        node.attributes.emplace_back("direction", std::string(direction));
        const std::vector<std::string> outputs = node.outputs;
        builder_.add(std::move(node));
        add_final_states(outputs);
        return side_by_side(OnnxValue::named(outputs[0], {}));
    }

  private:
    static OnnxValue place(std::size_t k) { return OnnxValue::integers({static_cast<std::int64_t>(k)}, {}); }
    Shape state_shape() const {
        return {static_cast<std::size_t>(builder_.extents().batch), cell_.hidden_size};
    }
    std::string stacked(const std::string& name, std::vector<float> OnnxRecurrent::*part,
                        const Shape& shape) {
        Shape whole{directions_.size()};
        for (const std::size_t extent : shape) whole.append(extent);
        std::vector<float> elements;
        for (const OnnxRecurrent& one : directions_)
            elements.insert(elements.end(), (one.*part).begin(), (one.*part).end());
        return builder_.emit(builder_.tensor(name, whole, std::move(elements)));
    }
    /// [directions, B, H] of each part; no values for zeros.
    std::vector<OnnxValue> initial_states() {
        const std::size_t parts = cell_.has_memory() ? 2 : 1;
        std::vector<std::vector<OnnxValue>> given(parts);
        for (std::size_t d = 0; d < directions_.size(); ++d)
            for (std::vector<OnnxValue>& part : given)
                if (const OnnxValue state = builder_.initial_state({}, state_shape())) {
                    initial_.push_back(state);
                    part.push_back(onnx_node("Unsqueeze", {state, OnnxValue::integers({0})}));
                }
        std::vector<OnnxValue> states;
        for (std::vector<OnnxValue>& part : given) {
            if (part.empty()) continue;
            states.push_back(part.size() == 1 ? part[0] : onnx_node("Concat", part, {{"axis", 0}}));
        }
        return states;
    }
    /// Of rows without a time step the operators make 0; they keep the state that they have.
    void add_final_states(const std::vector<std::string>& outputs) {
        auto initial = initial_.begin();
        for (std::size_t d = 0; d < directions_.size(); ++d)
            for (std::size_t part = 1; part < outputs.size(); ++part) {
                OnnxValue state =
                    onnx_node("Gather", {OnnxValue::named(outputs[part], {}), place(d)}, {{"axis", 0}});
                if (builder_.lengths() && initial != initial_.end()) {
                    const OnnxValue reads = tapeloop::detail::onnx_truth(builder_.lengths());
                    state = onnx_node("Where", {onnx_node("Unsqueeze", {reads, OnnxValue::integers({1})}),
                                                state, *initial++});
                }
                builder_.final_state(state, state_shape());
            }
    }
    /// [T, directions, B, H] -> [T, B, directions H].
    OnnxValue side_by_side(const OnnxValue& outputs) {
        Shape shape = sequence_.shape();
        shape = shape.with(2, directions_.size() * cell_.hidden_size);
        if (directions_.size() == 1)
            return builder_.emitted(onnx_node("Squeeze", {outputs, OnnxValue::integers({1})}), shape);
        const OnnxValue rows =
            onnx_node("Transpose", {outputs}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
        const OnnxValue extents =
            OnnxValue::integers({0, 0, static_cast<std::int64_t>(shape[2])});  // 0: as before
        return builder_.emitted(onnx_node("Reshape", {rows, extents}), shape);
    }

    OnnxBuilder& builder_;
    const std::vector<OnnxRecurrent>& directions_;
    const OnnxRecurrent& cell_;
    OnnxValue sequence_;
    std::vector<OnnxValue> initial_;  ///< of each direction, its parts; empty for zeros
};

}  // namespace

OnnxValue append_recurrent(OnnxBuilder& builder, const std::vector<OnnxRecurrent>& directions,
                           const OnnxValue& sequence, bool reverse) {
    const std::string_view one = reverse ? "reverse" : "forward";
    return Recurrent(builder, directions, sequence).append(directions.size() == 2 ? "bidirectional" : one);
}

TAPELOOP_ONNX_RECURRENT(, float)
TAPELOOP_ONNX_RECURRENT(, double)

}  // namespace tapeloop::nn::detail
