#include "claims.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace lab {

void Claims::beats(const std::string& model, double error, const std::string& other, double other_error) {
    if (quick_ || error < other_error) return;
    fmt::print(stderr, "FAILED: the error of {}, {:.4g}, is not below that of {}, {:.4g}.\n", model, error,
               other, other_error);
    kept_ = false;
}

void Claims::improves(const std::string& model, const Losses& losses) {
    if (losses.last < losses.first) return;
    fmt::print(stderr, "FAILED: training {} took its loss from {:.4g} to {:.4g}, which is not down.\n", model,
               losses.first, losses.last);
    kept_ = false;
}

void Claims::holds(const std::string& claim, bool is_so) {
    if (is_so) return;
    fmt::print(stderr, "FAILED: {} is not so.\n", claim);
    kept_ = false;
}

}  // namespace lab
