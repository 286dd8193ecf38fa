#pragma once

#include <nn/files/onnx/onnx_graph.hpp>
#include <nn/files/onnx/onnx_options.hpp>

#include <map>
#include <optional>
#include <unordered_map>

namespace tapeloop::nn::detail {

/// Makes the graph of a model, layer by layer, for a sequence of given extents.
class OnnxBuilder {
  public:
    OnnxBuilder(const OnnxOptions& options, OnnxExtents extents);

    const OnnxOptions& options() const { return options_; }
    const OnnxExtents& extents() const { return extents_; }

    /// Makes the model's input: rows of this shape, or tokens.
    void begin(const Shape& row);
    void begin_tokens();
    bool has_begun() const { return static_cast<bool>(value_); }
    /// The sequence as it left the last layer, time first.
    const OnnxValue& value() const { return value_; }
    /// Puts the outputs of a layer in its place. Those that are not 0 behind the end of a row become so at
    /// last.
    void set_value(OnnxValue value, bool is_zero_behind_end);
    /// The model with its outputs. More layers may follow.
    OnnxSample finish() const;

    /// Adds the operators of an expression where the graph is being built, and returns the name of its value.
    std::string emit(const OnnxValue& value);
    /// The same as a value of a given shape.
    OnnxValue emitted(const OnnxValue& value, const Shape& shape);
    /// An operator with its body, or with several outputs.
    void add(OnnxNode node);
    /// A name that no other value has.
    std::string fresh(std::string_view like);
    /// What nodes are made of from here on, for error texts.
    void set_origin(std::string origin) { origin_ = std::move(origin); }

    /// Constants stand in the whole model's graph, which bodies see.
    OnnxValue tensor(std::string_view name, const Shape& shape, std::vector<float> elements);
    /// The constant that was made for this address before; none yet.
    std::optional<OnnxValue> known(const void* address) const;
    void set_known(const void* address, const OnnxValue& value) { known_.emplace(address, value); }

    /// The initial state of a layer: an input of the model if the options say so, else the usual one, which
    /// may be no value.
    OnnxValue initial_state(const OnnxValue& usual, const Shape& shape);
    /// Notes the final state: an output of the model if the options say so.
    void final_state(const OnnxValue& value, const Shape& shape);

    /// `lengths` if the model has it, [B]; else no value.
    OnnxValue lengths() const { return lengths_; }
    /// 1 where a row has a time step, [T, B]; only if the model has lengths.
    OnnxValue mask();

    /// Makes an input of what a layer attends to, and returns it as [S, B, width]; 0 behind the end of a row
    /// if the model has lengths for it.
    OnnxValue source(std::size_t width);
    /// 1 where a row of the source has a time step, [S, B]; no value if the model has no lengths for it.
    const OnnxValue& source_mask() const { return source_mask_; }

    /// From here on nodes go to a body, until it is closed.
    void open_body();
    std::shared_ptr<OnnxGraph> close_body();
    OnnxGraph& innermost() { return *graphs_.back(); }

  private:
    OnnxGraph& whole() { return *graphs_.front(); }
    OnnxSample finished();
    Shape sequence_of(const Shape& row) const;
    /// The shape as a user's input or output has it.
    Shape given_as(const Shape& shape) const;
    /// Time and batch exchanged where the options say so.
    OnnxValue exchanged(const OnnxValue& value, std::size_t rank) const;
    void begin_with(const Shape& shape, int type);
    /// 1 where a time step of this many is before the end of its row, [time, B].
    OnnxValue mask_of(const OnnxValue& lengths, std::int64_t time);
    void add_output(const std::string& name, const OnnxValue& value, const Shape& shape);

    OnnxOptions options_;
    OnnxExtents extents_;
    std::vector<std::shared_ptr<OnnxGraph>> graphs_;
    OnnxValue value_;
    OnnxValue lengths_;
    OnnxValue mask_;
    OnnxValue source_mask_;
    bool is_zero_behind_end_ = true;
    std::size_t states_ = 0;
    std::size_t final_states_ = 0;
    std::vector<OnnxPort> state_ports_;
    std::string origin_;
    std::map<std::string, std::size_t, std::less<>> counts_;
    std::unordered_map<const void*, OnnxValue> known_;
    /// The names of expressions, which are kept, for another could get the address of one that is gone.
    std::unordered_map<const tapeloop::detail::OnnxExpression*, std::pair<OnnxValue, std::string>> names_;
};

}  // namespace tapeloop::nn::detail
