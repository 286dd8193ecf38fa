#include <fmt/format.h>
#include <nn/files/onnx/onnx_graph.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <optional>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

/// What a number is a multiple of.
struct Multiple {
    std::int64_t factor = 0;
    bool of_time = false;
    bool of_batch = false;
    bool of_source = false;

    bool is_fixed() const { return !of_time && !of_batch && !of_source; }
};

/// The three samples, and what they tell of a number that each of them has.
class Samples {
  public:
    Samples(const OnnxSample& base, const OnnxSample& longer, const OnnxSample& wider)
        : base_(base), longer_(longer), wider_(wider) {}

    /// Returns none for a number that is no multiple of the extents.
    std::optional<Multiple> multiple(std::int64_t base, std::int64_t longer, std::int64_t wider) const {
        // Time and source are longer at once: which of them a number follows shows in how much it grows.
        for (const bool of_time : {false, true})
            for (const bool of_source : {false, true}) {
                Multiple guess{base, of_time, wider != base, of_source};
                const std::int64_t extents = extents_of(guess, base_.extents);
                if (base % extents != 0) continue;
                guess.factor /= extents;
                if (guess.factor * extents_of(guess, longer_.extents) == longer &&
                    guess.factor * extents_of(guess, wider_.extents) == wider)
                    return guess;
            }
        return {};
    }

    void require_same_structure() const { require_same(base_.graph, longer_.graph, wider_.graph); }

  private:
    static std::int64_t extents_of(const Multiple& multiple, const OnnxExtents& extents) {
        return (multiple.of_time ? extents.time : 1) * (multiple.of_batch ? extents.batch : 1) *
               (multiple.of_source ? extents.source : 1);
    }
    static void require_same(const OnnxGraph& a, const OnnxGraph& b, const OnnxGraph& c) {
        for (std::size_t k = 0; k < a.nodes.size(); ++k) {
            const OnnxNode& node = a.nodes[k];
            const bool are_there = k < b.nodes.size() && k < c.nodes.size();
            if (!are_there || !are_same(node, b.nodes[k]) || !are_same(node, c.nodes[k]))
                throw std::invalid_argument(fmt::format(
                    "save_onnx: what {} computes depends on the number of time steps or rows of the sequence "
                    "that it was recorded with; in ONNX it would be the same for all sequences",
                    node.origin));
            if (node.body != nullptr) require_same(*node.body, *b.nodes[k].body, *c.nodes[k].body);
        }
        const auto sizes = [](const OnnxGraph& graph) {
            return std::array{graph.nodes.size(), graph.tensors.size(), graph.inputs.size(),
                              graph.outputs.size()};
        };
        if (sizes(a) != sizes(b) || sizes(a) != sizes(c))
            throw std::invalid_argument(
                "save_onnx: what the model computes depends on the number of time steps or rows of the "
                "sequence "
                "that it was recorded with; in ONNX it would be the same for all sequences");
    }
    static bool are_same(const OnnxNode& a, const OnnxNode& b) {
        return a.op == b.op && a.inputs == b.inputs && a.outputs == b.outputs &&
               a.attributes == b.attributes && (a.body == nullptr) == (b.body == nullptr);
    }

    const OnnxSample& base_;
    const OnnxSample& longer_;
    const OnnxSample& wider_;
};

/// Makes the values that depend on the extents, in front of all else.
class Joiner {
  public:
    Joiner(const OnnxSample& base, const OnnxSample& longer, const OnnxSample& wider, const OnnxAxes& axes)
        : samples_(base, longer, wider),
          longer_(longer.graph),
          wider_(wider.graph),
          axes_(axes),
          result_(base.graph) {
        samples_.require_same_structure();
    }

    OnnxGraph join() && {
        std::vector<OnnxTensor> tensors = std::move(result_.tensors);
        result_.tensors.clear();
        for (std::size_t k = 0; k < tensors.size(); ++k)
            if (std::holds_alternative<std::vector<float>>(tensors[k].elements))
                join_floats(tensors[k], k);
            else
                join_integers(tensors[k], k);
        for (std::size_t k = 0; k < result_.inputs.size(); ++k)
            open(result_.inputs[k], longer_.inputs[k], wider_.inputs[k]);
        for (std::size_t k = 0; k < result_.outputs.size(); ++k)
            open(result_.outputs[k], longer_.outputs[k], wider_.outputs[k]);
        result_.nodes.insert(result_.nodes.begin(), first_.begin(), first_.end());
        return std::move(result_);
    }

  private:
    [[noreturn]] static void fail(std::string_view what) {
        throw std::invalid_argument(
            fmt::format("save_onnx: {}; in ONNX it would be the same for all sequences. What depends on the "
                        "input must come "
                        "from recorded operations (not from `value()`, nor in a `Paused` scope)",
                        what));
    }

    std::string constant(std::int64_t number) {
        result_.tensors.push_back(
            {fmt::format("extent.{}", count_++), {1}, std::vector<std::int64_t>{number}});
        return result_.tensors.back().name;
    }
    /// One extent of an input of the model's, [1].
    const std::string& extent(std::string_view called, const OnnxAxis& of) {
        std::string& name = extents_[std::string(called)];
        if (!name.empty()) return name;
        std::string& shape = extents_["shape of " + of.input];
        if (shape.empty()) {
            shape = fmt::format("extent.shape.{}", of.input);
            first_.push_back({"Shape", {of.input}, {shape}});
        }
        name = fmt::format("extent.{}", called);
        first_.push_back({"Gather", {shape, constant(of.axis)}, {name}, {{"axis", 0}}});
        return name;
    }
    /// A multiple of extents, [1].
    std::string number(const Multiple& multiple) {
        std::string value;
        const auto times = [&](const std::string& factor) {
            if (value.empty()) {
                value = factor;
                return;
            }
            const std::string product = fmt::format("extent.{}", count_++);
            first_.push_back({"Mul", {value, factor}, {product}});
            value = product;
        };
        if (multiple.of_time) times(extent("time", axes_.time));
        if (multiple.of_batch) times(extent("batch", axes_.batch));
        if (multiple.of_source) times(extent("source", axes_.source));
        if (multiple.factor != 1 || value.empty()) times(constant(multiple.factor));
        return value;
    }
    /// A list of them, under a name.
    void list(const std::vector<Multiple>& multiples, std::string name) {
        std::vector<std::string> parts;
        for (const Multiple& multiple : multiples) parts.push_back(number(multiple));
        first_.push_back({"Concat", std::move(parts), {std::move(name)}, {{"axis", 0}}});
    }

    std::vector<Multiple> multiples(const std::vector<std::int64_t>& base,
                                    const std::vector<std::int64_t>& longer,
                                    const std::vector<std::int64_t>& wider) const {
        std::vector<Multiple> found;
        if (base.size() != longer.size() || base.size() != wider.size())
            fail("a list of extents or positions is as long as the sequence that it was recorded with");
        for (std::size_t i = 0; i < base.size(); ++i) {
            const auto multiple = samples_.multiple(base[i], longer[i], wider[i]);
            if (!multiple.has_value())
                fail(fmt::format(
                    "an extent or position that was recorded is {}, {} and {} for three sequences, "
                    "which is no multiple of their time steps or rows",
                    base[i], longer[i], wider[i]));
            found.push_back(*multiple);
        }
        return found;
    }

    void join_integers(OnnxTensor& tensor, std::size_t k) {
        const auto elements = [](const OnnxTensor& from) {
            return std::get<std::vector<std::int64_t>>(from.elements);
        };
        const std::vector<Multiple> all =
            multiples(elements(tensor), elements(longer_.tensors[k]), elements(wider_.tensors[k]));
        if (std::all_of(all.begin(), all.end(), [](const Multiple& one) { return one.is_fixed(); }))
            result_.tensors.push_back(std::move(tensor));
        else if (tensor.shape.size() == 1)
            list(all, tensor.name);
        else
            fail("a position that was recorded depends on the sequence");
    }

    void join_floats(OnnxTensor& tensor, std::size_t k) {
        const OnnxTensor& longer = longer_.tensors[k];
        const OnnxTensor& wider = wider_.tensors[k];
        const std::vector<Multiple> shape = multiples(tensor.shape, longer.shape, wider.shape);
        std::vector<std::int64_t> one = tensor.shape;
        for (std::size_t i = 0; i < one.size(); ++i)
            if (!shape[i].is_fixed()) one[i] = 1;
        const std::vector<float> elements = equal_along(tensor, one);
        if (!are_same(elements, equal_along(longer, one)) || !are_same(elements, equal_along(wider, one)))
            fail(fmt::format("the constant {} is not the same for all inputs that it was recorded with",
                             tensor.name));
        if (one == tensor.shape) {
            result_.tensors.push_back(std::move(tensor));
            return;
        }
        const std::string rows = fmt::format("extent.{}", count_++);
        const std::string target = fmt::format("extent.{}", count_++);
        result_.tensors.push_back({rows, one, elements});
        list(shape, target);
        first_.push_back({"Expand", {rows, target}, {tensor.name}});
    }
    static bool are_same(const std::vector<float>& a, const std::vector<float>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
            return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
        });
    }
    /// The elements of a tensor that is the same along the axes that are 1 in `one`.
    static std::vector<float> equal_along(const OnnxTensor& tensor, const std::vector<std::int64_t>& one) {
        const auto& all = std::get<std::vector<float>>(tensor.elements);
        if (one == tensor.shape) return all;
        std::int64_t size = 1;
        for (const std::int64_t extent : one) size *= extent;
        std::vector<float> elements(static_cast<std::size_t>(size));
        std::vector<bool> is_set(elements.size(), false);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::size_t at = place_in(one, tensor.shape, i);
            if (is_set[at] &&
                std::bit_cast<std::uint32_t>(elements[at]) != std::bit_cast<std::uint32_t>(all[i]))
                fail(fmt::format("the constant {} is as long as the sequence, and its parts differ",
                                 tensor.name));
            elements[at] = all[i];
            is_set[at] = true;
        }
        return elements;
    }
    /// The place of element `i` where axes of extent 1 do not count.
    static std::size_t place_in(const std::vector<std::int64_t>& one, const std::vector<std::int64_t>& shape,
                                std::size_t i) {
        std::size_t place = 0;
        std::size_t stride = 1;
        for (std::size_t axis = shape.size(); axis-- > 0;) {
            const auto extent = static_cast<std::size_t>(shape[axis]);
            if (one[axis] == shape[axis]) {
                place += i % extent * stride;
                stride *= extent;
            }
            i /= extent;
        }
        return place;
    }

    void open(OnnxPort& port, const OnnxPort& longer, const OnnxPort& wider) const {
        for (const Multiple& multiple : multiples(port.shape, longer.shape, wider.shape)) {
            std::vector<std::string> factors;
            if (!multiple.is_fixed() && multiple.factor != 1)
                factors.push_back(fmt::format("{}", multiple.factor));
            if (multiple.of_time) factors.emplace_back("time");
            if (multiple.of_batch) factors.emplace_back("batch");
            if (multiple.of_source) factors.emplace_back("source");
            port.open.push_back(fmt::format("{}", fmt::join(factors, " * ")));
        }
    }

    Samples samples_;
    const OnnxGraph& longer_;
    const OnnxGraph& wider_;
    OnnxAxes axes_;
    OnnxGraph result_;
    std::vector<OnnxNode> first_;
    std::map<std::string, std::string> extents_;  ///< the names of values that are there
    std::size_t count_ = 0;
};

}  // namespace

OnnxGraph joined_samples(const OnnxSample& base, const OnnxSample& longer, const OnnxSample& wider,
                         const OnnxAxes& axes) {
    return Joiner(base, longer, wider, axes).join();
}

}  // namespace tapeloop::nn::detail
