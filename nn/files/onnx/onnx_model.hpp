#pragma once

#include <nn/files/onnx/onnx_layers.hpp>

#include <array>
#include <filesystem>

namespace tapeloop::nn {

/// A model for others to run, in the format of ONNX (opset 17), in float: layers one behind the other.
///
///     nn::OnnxModel<float> onnx({.batch_first = true});
///     onnx.add(embedding);
///     onnx.add(stack);
///     onnx.add([](const Var<float>& x) { return softmax(x); });
///     onnx.save("model.onnx");
///
/// The inputs are [T, B, I], or tokens [T, B] of int64 where the first layer is an `Embedding`, for any T and
/// B. ElmanCell, LstmCell, GruCell and ResetBeforeGruCell become ONNX' own RNN, LSTM and GRU, and so do both
/// directions of one of them. Any other cell, a user's or a wrapper, is a `Scan` over its one step as it is
/// recorded, `map` by the operations it is made of; layers without state are what they record. Dropout and
/// zoneout are those of evaluation. An `AttentionCell` makes another input, `source` [S, B, K] for any S, as
/// its `attending` takes it; its state is the inner cell's, the context and the weights.
///
/// What is recorded is what is exported: a step that chooses by the values it reads is exported with the
/// choice that was made for random ones.
template <class T>
class OnnxModel {
  public:
    /// Makes a model without layers.
    explicit OnnxModel(OnnxOptions options = {});

    /// Adds a layer: one of the library, a cell, or a function of a Var [T, B, ..]. Its weights are copied.
    /// Throws `std::invalid_argument`, naming operation and line, when it records an operation that ONNX has
    /// no counterpart of, and when the shape of a first layer's input is not known; the model is then of no
    /// more use.
    template <class L>
    void add(L&& layer) {
        for (detail::OnnxBuilder& sample : samples_) add_to(sample, layer);
    }
    /// Writes the file, as a whole or not at all. Throws `std::invalid_argument` when there is no layer, when
    /// what was recorded depends on the number of time steps or rows in a way that is not a multiple of it,
    /// on the input but not by recorded operations, or when ONNX knows no such operator as one says that a
    /// user's operation is; and `std::runtime_error` when the file cannot be written.
    void save(const std::filesystem::path& file) const;

  private:
    template <class L>
    void add_to(detail::OnnxBuilder& sample, L& layer) {
        using Layer = std::remove_cvref_t<L>;
        if constexpr (std::same_as<Layer, Embedding<T>>) {
            add_embedding(sample, layer);
        } else {
            if (!sample.has_begun()) sample.begin(row_of_input(detail::row_of<T>(layer)));
            const OnnxValue value = detail::append_layer<T>(sample, layer, sample.value(), false);
            sample.set_value(value, detail::OnnxCell<Layer>);
        }
    }
    Shape row_of_input(const std::optional<Shape>& found) const;
    static void add_embedding(detail::OnnxBuilder& sample, const Embedding<T>& layer);

    OnnxOptions options_;
    /// The same model for sequences of different extents, so that what depends on them is known.
    std::array<detail::OnnxBuilder, 3> samples_;
};

extern template class OnnxModel<float>;
extern template class OnnxModel<double>;

/// Writes one layer, cell or stack for others to run: see `OnnxModel`.
///
///     nn::save_onnx("model.onnx", stack);
template <class L>
void save_onnx(const std::filesystem::path& file, L&& layer, const OnnxOptions& options = {}) {
    OnnxModel<ValueOf<std::remove_cvref_t<L>>> model(options);
    model.add(layer);
    model.save(file);
}

}  // namespace tapeloop::nn
