#include <tests/fuzz/catalogue.hpp>

#include <autograd/ops/elementwise.hpp>

namespace tapeloop::fuzz {

const std::vector<Entry>& catalogue() {
    static const std::vector<Entry> entries = [] {
        std::vector<Entry> all;
        for (auto topic : {elementwise_entries, linalg_entries, reduce_entries, shape_entries, index_entries,
                           conv_entries, map_entries})
            for (const Entry& one : topic()) all.push_back(one);
        return all;
    }();
    return entries;
}

Call shifted_square(std::vector<Id> argument) {
    Call result = call(
        "square($0) + 0.3", std::move(argument), [](const auto& x) { return add(square(x[0]), 0.3); },
        smooth_elementwise);
    result.is_composed = true;
    return result;
}

}  // namespace tapeloop::fuzz
