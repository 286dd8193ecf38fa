#pragma once

#include <autograd/tape.hpp>
#include <nn/files/onnx/onnx_builder.hpp>

#include <unordered_map>

namespace tapeloop::nn::detail {

/// Random elements, so that what a model keeps of them is noticed: they are others for each sample.
template <class T>
Var<T> onnx_sample_input(const OnnxBuilder& builder, const Shape& shape);

/// Float elements of a tensor's.
template <class T>
std::vector<float> as_floats(const T* elements, std::size_t count) {
    std::vector<float> floats(count);
    for (std::size_t i = 0; i < count; ++i) floats[i] = static_cast<float>(elements[i]);
    return floats;
}

/// A parameter as a constant of the model, once.
template <class T>
OnnxValue onnx_parameter(OnnxBuilder& builder, const typename Parameter<T>::Storage& parameter);

/// Makes operators of what is recorded on a tape.
template <class T>
class OnnxTrace {
  public:
    OnnxTrace(OnnxBuilder& builder, Tape<T>& tape) : builder_(builder), tape_(tape) {}

    /// Says what a recorded value is in the graph, so that the operations before it are not looked at.
    void bind(const Var<T>& var, const OnnxValue& value) { values_.insert_or_assign(var.index(), value); }
    /// Adds the operators that these values need. Throws `std::invalid_argument`, naming operation and place,
    /// when an operation has no counterpart.
    std::vector<OnnxValue> values(const std::vector<Var<T>>& vars);

  private:
    OnnxValue value_of(NodeIndex node);
    OnnxValue value_of_operation(NodeIndex node);

    OnnxBuilder& builder_;
    Tape<T>& tape_;
    std::unordered_map<NodeIndex, OnnxValue> values_;
};

/// A cell's time loop as a `Scan`. What the cell makes outside of the loop is added to the model, then its
/// one step to the body.
template <class T>
class OnnxScan {
  public:
    /// Reads the model's sequence, from the end if `reverse`.
    OnnxScan(OnnxBuilder& builder, Tape<T>& tape, const OnnxValue& sequence, bool reverse);

    /// The sequence as it is recorded, [T, B, ..].
    const Var<T>& sequence() const { return sequence_; }
    std::size_t batch() const { return static_cast<std::size_t>(builder_.extents().batch); }
    /// What is attended to, [S, B, width], an input of the model's.
    Var<T> source(std::size_t width);
    /// Says that this Var, [B, 1, S], has a 1 for the time steps of the source that count.
    void mask_source(const Var<T>& open);
    /// Ends what is outside. `projected` are [T, B, ..].
    void open(const std::vector<Var<T>>& projected, const std::vector<Var<T>>& initial,
              const std::vector<Var<T>>& prepared);
    /// The values with which the step is recorded.
    const std::vector<Var<T>>& inputs() const { return inputs_; }
    const std::vector<Var<T>>& states() const { return states_; }
    /// Ends the step, and returns the outputs of all, [T, B, ..].
    OnnxValue close(const Var<T>& output, const std::vector<Var<T>>& next);

  private:
    Var<T> body_input(std::string_view name, const Shape& shape);
    /// What counts in this time step, with the axes of `shape`.
    OnnxValue counts(const Shape& shape) const;

    OnnxBuilder& builder_;
    Tape<T>& tape_;
    OnnxValue value_;
    bool reverse_;
    Var<T> sequence_;
    OnnxTrace<T> outside_;
    OnnxTrace<T> inside_;
    std::vector<Var<T>> inputs_;
    std::vector<Var<T>> states_;
    std::vector<OnnxValue> initial_;
    std::vector<OnnxValue> body_states_;
    std::vector<OnnxValue> scanned_;
    OnnxValue counted_;
};

#define TAPELOOP_ONNX_TRACE(extern_, T)                                                                \
    extern_ template Var<T> onnx_sample_input(const OnnxBuilder&, const Shape&);                       \
    extern_ template OnnxValue onnx_parameter<T>(OnnxBuilder&, const typename Parameter<T>::Storage&); \
    extern_ template class OnnxTrace<T>;                                                               \
    extern_ template class OnnxScan<T>;
TAPELOOP_ONNX_TRACE(extern, float)
TAPELOOP_ONNX_TRACE(extern, double)

}  // namespace tapeloop::nn::detail
