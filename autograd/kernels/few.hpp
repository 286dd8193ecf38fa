#pragma once

#include <cstddef>
#include <memory>

namespace tapeloop::detail {

/// Up to `most` elements without the heap. Unlike a `std::array` it makes only those that are there.
template <class T, std::size_t most>
class Few {
  public:
    explicit Few(std::size_t count) : count_(count) { std::uninitialized_default_construct_n(data(), count); }
    ~Few() { std::destroy_n(data(), count_); }
    Few(const Few&) = delete;
    Few& operator=(const Few&) = delete;

    T* data() { return reinterpret_cast<T*>(bytes_); }
    const T* data() const { return reinterpret_cast<const T*>(bytes_); }
    std::size_t size() const { return count_; }
    T& operator[](std::size_t k) { return data()[k]; }
    T* begin() { return data(); }
    T* end() { return data() + count_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + count_; }

  private:
    alignas(T) std::byte bytes_[most * sizeof(T)];
    std::size_t count_;
};

}  // namespace tapeloop::detail
