#pragma once

#include <autograd/record/onnx_value.hpp>
#include <autograd/var.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop::detail {

/// One line of a transcript: a value, and how it is computed of those of earlier lines.
struct TranscriptLine {
    /// An operator of ONNX; or `parameter`, `input`, `detach`, `number` and `integers`, which are none.
    std::string op = {};
    std::vector<std::optional<std::size_t>> inputs = {};  ///< places of earlier lines; none for one left out
    std::vector<OnnxAttribute> attributes = {};
    std::string name = {};  ///< of a leaf; else empty
    Shape shape = {};       ///< of a leaf, or of integers
    std::vector<double> elements = {};
    std::vector<std::int64_t> integers = {};
    std::string label = {};  ///< `encoder/t=3`
    /// The recorded node whose value it is; none for what is only on the way to one.
    std::optional<NodeIndex> node = std::nullopt;
};

/// A recording as operators of ONNX and the elements of its leaves, which `Replay` records anew. Nodes are
/// those of the tape that it was made of.
struct Transcript {
    std::vector<TranscriptLine> lines = {};
    NodeIndex loss = 0;                   ///< the root of the sweep, with one element
    std::vector<NodeIndex> ledgers = {};  ///< a parameter for each ledger
    /// The rows of the ledgers: one node whose first axis is time, or several.
    std::vector<NodeIndex> losses = {};
    std::vector<std::vector<NodeIndex>> states = {};  ///< of the spectrum, as `States` has them
    std::size_t row = 0;                              ///< of the batch, for the spectrum
    std::vector<std::string> gates = {};              ///< as `gate_saturation` takes them

    /// Returns it as text, a line each; elements keep all their digits.
    std::string text() const;
    /// Reads what `text` made. Throws `std::invalid_argument` for what it did not.
    static Transcript read(std::string_view text);
};

}  // namespace tapeloop::detail
