#pragma once

#include <autograd/record/onnx_value.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// A graph of ONNX as data, before it becomes a file.
namespace tapeloop::nn::detail {

struct OnnxGraph;

/// A constant.
struct OnnxTensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::variant<std::vector<float>, std::vector<std::int64_t>> elements;
};

/// One operator, whose inputs and outputs are names. An empty name is an input that is left out.
struct OnnxNode {
    std::string op;
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
    std::vector<OnnxAttribute> attributes = {};
    std::shared_ptr<OnnxGraph> body = nullptr;  ///< of a `Scan`
    std::string origin = {};                    ///< the operation that it was made of, as error texts name it
};

/// An input or output of a graph: name, type, extents, and what those are called that are open.
struct OnnxPort {
    std::string name;
    int type = tapeloop::detail::onnx_float;
    std::vector<std::int64_t> shape = {};
    std::vector<std::string> open = {};  ///< for each axis, empty where the extent is fixed
};

struct OnnxGraph {
    std::vector<OnnxPort> inputs;
    std::vector<OnnxPort> outputs;
    std::vector<OnnxTensor> tensors;
    std::vector<OnnxNode> nodes;
};

/// Extents that a model leaves open: the number of time steps, that of rows, and the number of time steps of
/// what is attended to.
struct OnnxExtents {
    std::int64_t time;
    std::int64_t batch;
    std::int64_t source;
};

/// An axis of one of the graph's inputs.
struct OnnxAxis {
    std::string input;
    std::int64_t axis;
};

/// A graph that was made for some extents.
struct OnnxSample {
    OnnxExtents extents;
    OnnxGraph graph;
};

/// The axes that have the open extents.
struct OnnxAxes {
    OnnxAxis time;
    OnnxAxis batch;
    OnnxAxis source;
};

/// Makes one graph for all extents of those made for `base`, for another time and source, and for another
/// batch. Where a number of int64 differs, it is computed from the extents of the graph's inputs, whose axes
/// are given; so is the shape of a constant whose rows are equal. Throws `std::invalid_argument` where
/// anything else differs.
OnnxGraph joined_samples(const OnnxSample& base, const OnnxSample& longer, const OnnxSample& wider,
                         const OnnxAxes& axes);

/// The bytes of a model file with this graph, checked by ONNX' own checker. Throws `std::invalid_argument`
/// when there are more than 2 GB, which the format does not hold.
std::string onnx_bytes(const OnnxGraph& graph);

}  // namespace tapeloop::nn::detail
