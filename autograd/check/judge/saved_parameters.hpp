#pragma once

#include <autograd/parameter.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tapeloop::detail {

/// Puts parameters back when its scope ends: their values to the last bit, and for tapes that hold them.
template <class T>
class SavedParameters {
  public:
    SavedParameters() = default;
    explicit SavedParameters(const ParameterList<T>& parameters) {
        for (const auto& entry : parameters) add(*entry.parameter);
    }
    ~SavedParameters() {
        for (const Saved& saved : saved_) {
            std::copy_n(saved.value.data(), saved.value.size(), saved.storage->value.data());
            saved.storage->version = saved.version;
        }
    }
    SavedParameters(const SavedParameters&) = delete;
    SavedParameters& operator=(const SavedParameters&) = delete;

    void add(const Parameter<T>& parameter) {
        saved_.push_back({parameter.storage(), parameter.value(), parameter.storage()->version});
    }

  private:
    struct Saved {
        // Not the parameter, which may have been replaced by one of another shape in between.
        std::shared_ptr<typename Parameter<T>::Storage> storage;
        Tensor<T> value;
        std::uint64_t version;
    };
    std::vector<Saved> saved_;
};

}  // namespace tapeloop::detail
