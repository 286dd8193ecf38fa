#pragma once

#include <autograd/record/defined_operations.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tapeloop::test {

/// What says on purpose no counterpart in ONNX, and why.
inline constexpr const char* in_rules = "only rules record it, and a model for inference has none";
inline constexpr const char* of_loss = "a loss, which a model for inference has none of";
inline const std::map<std::string, std::string> without_counterpart{
    {"add_along", in_rules},
    {"from_patches", in_rules},
    {"identity", in_rules},
    {"pick", in_rules},
    {"place", in_rules},
    {"prod_of_others", in_rules},
    {"put_back", in_rules},
    {"recurrence", in_rules},
    {"scale", in_rules},
    {"scatter_rows", in_rules},
    {"shift", in_rules},
    {"sum_to", in_rules},
    {"deviation", in_rules},
    {"softmax_rows", in_rules},
    {"ctc_loss", of_loss},
    {"complex_recurrence", "as of linear_recurrence, and ONNX has no operators of complex numbers"},
    {"cumprod", "ONNX has no operator that multiplies along an axis"},
    {"linear_recurrence", "ONNX has it as a Scan only, which is made of a cell that is linear in its state"},
    {"patches", "ONNX' Conv is another cut: it has the product in it"},
    {"sort", "ONNX' TopK gives two results, and an operation says one"},
    {"top_k", "ONNX' TopK gives two results, and an operation says one"},
};

/// Losses that say one, with which the study page runs recordings again; no exported model has them.
inline const std::set<std::string> losses_with_counterpart{
    "huber", "mean_absolute_error", "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy"};

/// All that can be recorded, nn's too; what a test defines lies in no namespace of ours.
inline std::set<std::string> names_of_all() {
    std::set<std::string> names;
    for (const tapeloop::detail::DefinedOperation& one : tapeloop::detail::defined_operations()) {
        const std::string_view type = one.definition->name();
        if (type.starts_with("N8tapeloop") && !type.starts_with("N8tapeloop4test") &&
            !type.starts_with("N8tapeloop4fuzz"))
            names.emplace(one.name);
    }
    return names;
}

}  // namespace tapeloop::test
