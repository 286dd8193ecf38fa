#pragma once

#include "training.hpp"

#include <string>

namespace lab {

/// The promises of a lab about its results. Every run must lower the loss and show what holds at any size;
/// that a model beats another, or a baseline, is asked of a full run only. A promise that is not kept is
/// printed, and makes the exit code 1.
class Claims {
  public:
    explicit Claims(bool quick) : quick_(quick) {}

    /// Claims that a model beats another by its error, less being better.
    void beats(const std::string& model, double error, const std::string& other, double other_error);
    void improves(const std::string& model, const Losses& losses);
    /// Claims what holds in every run.
    void holds(const std::string& claim, bool is_so);

    int exit_code() const { return kept_ ? 0 : 1; }

  private:
    bool quick_;
    bool kept_ = true;
};

}  // namespace lab
