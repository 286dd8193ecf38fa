#include <autograd/record/description.hpp>

#include <algorithm>
#include <list>
#include <mutex>
#include <string>

namespace tapeloop::detail {
namespace {

/// A description with texts of its own. It is not moved once it is made.
struct KeptDescription {
    std::list<std::string> texts;
    Description description;

    explicit KeptDescription(const Description& from) : description(from) {
        keep(description.equation);
        keep(description.stops);
        keep(description.letter);
        for (Description::Rule& rule : description.rules) {
            keep(rule.argument);
            keep(rule.cotangent);
        }
    }
    void keep(std::string_view& text) { text = texts.emplace_back(text); }
};

bool are_equal(const Description& a, const Description& b) {
    return a.equation == b.equation && a.kind == b.kind && a.is_elementwise == b.is_elementwise &&
           a.limits.low == b.limits.low && a.limits.high == b.limits.high &&
           a.limits.of_exponential == b.limits.of_exponential && a.stops == b.stops &&
           a.is_gate == b.is_gate && a.letter == b.letter &&
           std::equal(std::begin(a.rules), std::end(a.rules), std::begin(b.rules),
                      [](const Description::Rule& one, const Description::Rule& other) {
                          return one.argument == other.argument && one.cotangent == other.cotangent;
                      });
}

}  // namespace

const Description& kept_description(const Description& description) {
    // Never destroyed: graphs that were read refer to them up to the end.
    static auto& all = *new std::list<KeptDescription>;
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    for (const KeptDescription& kept : all)
        if (are_equal(kept.description, description)) return kept.description;
    return all.emplace_back(description).description;
}

}  // namespace tapeloop::detail
