#include "compare.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace tapeloop::conformance {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The position of an element, as in `[2, 0, 1]`.
std::string position_text(const Shape& shape, std::size_t element) {
    std::vector<std::size_t> position(shape.rank());
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
        position[axis] = element % shape[axis];
        element /= shape[axis];
    }
    return fmt::format("[{}]", fmt::join(position, ", "));
}

/// Goes through all that is expected and keeps the worst.
class Comparison {
  public:
    explicit Comparison(const Case& c) : case_(c) {}

    void compare(const std::string& name, const std::optional<Tensor<double>>& expected,
                 const std::optional<Tensor<double>>& actual) {
        if (!expected) return;
        if (!actual) return note_other_shape(name, shape_of(*expected), "not there");
        if (shape_of(*actual) != shape_of(*expected))
            return note_other_shape(name, shape_of(*expected), shape_of(*actual).text());
        for (std::size_t i = 0; i < expected->size(); ++i)
            compare_element(name, shape_of(*expected), i, expected->data()[i], actual->data()[i]);
    }

    void compare(const std::string& name, const std::optional<Entries>& expected,
                 const std::optional<Entries>& actual) {
        if (!expected) return;
        for (const auto& [entry, tensor] : *expected) {
            std::optional<Tensor<double>> found;
            if (actual && actual->contains(entry)) found = actual->at(entry);
            compare(fmt::format("{}.{}", name, entry), tensor, found);
        }
    }

    std::string text() const {
        if (worst_.empty() || wrong_ <= 1) return worst_;
        return fmt::format("{}; {} values are off", worst_, wrong_);
    }

  private:
    void compare_element(const std::string& name, const Shape& shape, std::size_t i, double expected,
                         double actual) {
        if (actual == expected || (std::isnan(actual) && std::isnan(expected))) return;
        const double allowed = case_.absolute + case_.relative * std::abs(expected);
        const double off = std::abs(actual - expected);
        if (std::isfinite(expected) && off <= allowed) return;
        ++wrong_;
        const double severity = std::isfinite(off) && allowed > 0 ? off / allowed : infinity;
        if (severity <= severity_) return;
        severity_ = severity;
        worst_ = fmt::format("{}{} is {}, expected {} (off by {:.2g}, allowed {:.2g})", name,
                             position_text(shape, i), actual, expected, off, allowed);
    }

    void note_other_shape(const std::string& name, const Shape& expected, const std::string& actual) {
        ++wrong_;
        if (severity_ == infinity) return;
        severity_ = infinity;
        worst_ = fmt::format("{} is {}, expected {}", name, actual, expected.text());
    }

    const Case& case_;
    std::string worst_;
    double severity_ = 0;
    std::size_t wrong_ = 0;
};

/// Notes the parameters of one direction whose gradients are not expected.
void note_missing(std::vector<std::string>& missing, const std::string& where,
                  const std::optional<Entries>& given, const std::optional<Entries>& expected) {
    if (!given) return;
    for (const auto& [entry, tensor] : *given)
        if (!expected || !expected->contains(entry)) missing.push_back(fmt::format("{}.{}", where, entry));
}

}  // namespace

std::vector<std::string> not_expected(const Case& c) {
    const bool has_objective = c.objective.output || c.objective.h || c.objective.c;
    if (!c.gradients)
        return has_objective ? std::vector<std::string>{"gradients"} : std::vector<std::string>();
    std::vector<std::string> missing;
    if (!c.gradients->x) missing.emplace_back("gradients.x");
    if (c.h0 && !c.gradients->h0) missing.emplace_back("gradients.h0");
    if (c.c0 && !c.gradients->c0) missing.emplace_back("gradients.c0");
    for (std::size_t k = 0; k < c.layers.size(); ++k) {
        const std::string layer = fmt::format("gradients.layers[{}]", k);
        static const LayerEntries none;
        const LayerEntries& expected = k < c.gradients->layers.size() ? c.gradients->layers[k] : none;
        note_missing(missing, layer + ".forward", c.layers[k].forward, expected.forward);
        note_missing(missing, layer + ".reverse", c.layers[k].reverse, expected.reverse);
    }
    return missing;
}

std::string problem(const Case& c, const Outcome& outcome) {
    Comparison comparison(c);
    comparison.compare("output", c.expected.output, outcome.results.output);
    comparison.compare("h", c.expected.h, outcome.results.h);
    comparison.compare("c", c.expected.c, outcome.results.c);
    if (!c.gradients) return comparison.text();
    comparison.compare("gradients.x", c.gradients->x, outcome.gradients.x);
    comparison.compare("gradients.h0", c.gradients->h0, outcome.gradients.h0);
    comparison.compare("gradients.c0", c.gradients->c0, outcome.gradients.c0);
    for (std::size_t k = 0; k < c.gradients->layers.size(); ++k) {
        const std::string layer = fmt::format("gradients.layers[{}]", k);
        const LayerEntries& expected = c.gradients->layers[k];
        static const LayerEntries none;
        const LayerEntries& actual = k < outcome.gradients.layers.size() ? outcome.gradients.layers[k] : none;
        comparison.compare(layer + ".forward", expected.forward, actual.forward);
        comparison.compare(layer + ".reverse", expected.reverse, actual.reverse);
    }
    return comparison.text();
}

}  // namespace tapeloop::conformance
