#include <fmt/format.h>
#include <nn/files/onnx/onnx_model.hpp>
#include <nn/files/replace_file.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

namespace detail {

void fail_own_unroll(std::string_view name) {
    throw std::invalid_argument(fmt::format(
        "save_onnx: {} reads whole sequences and is not of a type that is known here; add it to an "
        "`OnnxModel` as it is, not within an AnyLayer or a Stack",
        name));
}

OnnxValue onnx_merged(OnnxBuilder& builder, Merge how, const OnnxValue& forward, const OnnxValue& backward) {
    builder.set_origin("Bidirectional");
    const Shape& shape = forward.shape();
    switch (how) {
        case Merge::concat: {
            const Shape whole = shape.with(shape.rank() - 1, shape.back() + backward.shape().back());
            return builder.emitted(onnx_node("Concat", {forward, backward}, {{"axis", -1}}), whole);
        }
        case Merge::sum:
            return onnx_sum(builder, forward, backward);
        case Merge::product:
            return builder.emitted(onnx_node("Mul", {forward, backward}), shape);
        case Merge::average:
            return builder.emitted(onnx_node("Mul", {onnx_node("Add", {forward, backward}), 0.5}), shape);
    }
    return {};
}

OnnxValue onnx_sum(OnnxBuilder& builder, const OnnxValue& a, const OnnxValue& b) {
    return builder.emitted(onnx_node("Add", {a, b}), a.shape());
}

}  // namespace detail

namespace {

// Extents that do not turn up in a model, and of which one is no multiple of another.
constexpr OnnxExtents base{5, 11, 17};
constexpr OnnxExtents longer{7, 11, 19};
constexpr OnnxExtents wider{5, 13, 17};

}  // namespace

template <class T>
OnnxModel<T>::OnnxModel(OnnxOptions options)
    : options_(options),
      samples_{OnnxBuilder(options, base), OnnxBuilder(options, longer), OnnxBuilder(options, wider)} {}

template <class T>
void OnnxModel<T>::save(const std::filesystem::path& file) const {
    if (!samples_[0].has_begun()) throw std::invalid_argument("save_onnx: the model has no layers");
    std::vector<OnnxSample> samples;
    for (const OnnxBuilder& sample : samples_) samples.push_back(sample.finish());
    const std::int64_t time_axis = options_.batch_first ? 1 : 0;
    const OnnxAxes axes{{"input", time_axis}, {"input", 1 - time_axis}, {"source", time_axis}};
    const std::string bytes = onnx_bytes(joined_samples(samples[0], samples[1], samples[2], axes));
    replace_file("save_onnx", file, [&](FileWriter& writer) { writer.write(bytes); });
}

template <class T>
Shape OnnxModel<T>::row_of_input(const std::optional<Shape>& found) const {
    if (options_.input.rank() != 0) return options_.input;
    if (!found.has_value())
        throw std::invalid_argument(
            "save_onnx: what the first layer reads is not known; say the shape of one time step, {.input = "
            "{I}}");
    return *found;
}

template <class T>
void OnnxModel<T>::add_embedding(OnnxBuilder& sample, const Embedding<T>& layer) {
    if (sample.has_begun())
        throw std::invalid_argument("save_onnx: an Embedding reads tokens, and can only be the first layer");
    sample.begin_tokens();
    sample.set_origin("Embedding");
    const OnnxValue table = onnx_parameter<T>(sample, *layer.table.storage());
    Shape shape = sample.value().shape();
    shape.append(layer.table.shape()[1]);
    sample.set_value(sample.emitted(onnx_node("Gather", {table, sample.value()}, {{"axis", 0}}), shape),
                     false);
}

template class OnnxModel<float>;
template class OnnxModel<double>;

}  // namespace tapeloop::nn
