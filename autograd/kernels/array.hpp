#pragma once

#include <autograd/tensor.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tapeloop {

namespace detail {

/// A share of a pooled block. Counted without atomics: it never leaves the thread that sweeps.
class Memory {
  public:
    Memory() = default;
    explicit Memory(std::size_t bytes) {
        block_ = new (pool_allocate(header_bytes + bytes)) Header{1, bytes};
    }
    Memory(const Memory& other) : block_(other.block_) {
        if (block_ != nullptr) ++block_->owners;
    }
    Memory(Memory&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Memory& operator=(Memory other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Memory() {
        if (block_ != nullptr && --block_->owners == 0) pool_free(block_, header_bytes + block_->bytes);
    }

    void* data() const { return reinterpret_cast<std::byte*>(block_) + header_bytes; }
    std::size_t bytes() const { return block_ == nullptr ? 0 : block_->bytes; }
    bool is_sole_owner() const { return block_ != nullptr && block_->owners == 1; }
    /// Shares of the same block.
    friend bool operator==(const Memory& a, const Memory& b) { return a.block_ == b.block_; }

  private:
    struct Header {
        std::size_t owners;
        std::size_t bytes;
    };
    static constexpr std::size_t header_bytes = 64;
    Header* block_ = nullptr;
};

}  // namespace detail

/// The value that a rule computes with in the first-order sweep: a row-major array that either shares pooled
/// memory or looks at memory of the tape. Copies share their elements, and nobody changes them. It has the
/// functions of `Var` under the same names, computed at once and recorded nowhere, so one generic rule serves
/// both. Not to be kept beyond the rule it was handed to.
template <class T>
class Array {
  public:
    using value_type = T;

    Array() = default;

    /// A look at elements that live elsewhere, or in `memory`, which is then kept alive.
    Array(const Shape& shape, const T* data, detail::Memory memory = {})
        : shape_(shape), memory_(std::move(memory)), data_(data) {}
    /// A copy of a tensor.
    explicit Array(const Tensor<T>& tensor);

    /// Returns an array whose elements are all `value`.
    static Array filled(const Shape& shape, T value);

    /// Returns the shape.
    const Shape& shape() const { return shape_; }
    std::size_t size() const { return shape_.size(); }
    /// Returns the elements in row-major order, for reading.
    const T* data() const { return data_; }
    /// Returns the elements in row-major order, for reading.
    std::span<const T> elements() const { return {data_, size()}; }

    /// Returns the same elements under another shape of the same size.
    Array reshaped(const Shape& shape) const { return Array(shape, data_, memory_); }
    /// Everything but the last axis as rows.
    Array as_matrix() const { return reshaped(shape_.as_matrix()); }

    /// The pooled block it lies in; empty for a look at elements that live elsewhere.
    const detail::Memory& memory() const { return memory_; }

    /// Returns a copy that outlives the tape.
    Tensor<T> tensor() const {
        Tensor<T> copy = detail::uninitialised<T>(shape_);
        std::copy_n(data_, size(), copy.data());
        return copy;
    }

  private:
    Shape shape_;
    detail::Memory memory_;
    const T* data_ = nullptr;
};

/// An array while it is computed: the kernel that makes it writes it, and hands it on as an `Array`.
template <class T>
class Buffer : public Array<T> {
  public:
    /// Fresh memory, elements not set.
    explicit Buffer(const Shape& shape) : Buffer(shape, detail::Memory(shape.size() * sizeof(T))) {}
    /// Elements that live elsewhere, such as in the tape's memory.
    Buffer(const Shape& shape, T* data) : Array<T>(shape, data), data_(data) {}

    /// Returns the elements in row-major order, for writing.
    T* data() const { return data_; }
    /// Returns the elements in row-major order, for writing.
    std::span<T> elements() const { return {data_, this->size()}; }

  private:
    Buffer(const Shape& shape, const detail::Memory& memory)
        : Array<T>(shape, static_cast<T*>(memory.data()), memory), data_(static_cast<T*>(memory.data())) {}

    T* data_;
};

template <class T>
Array<T>::Array(const Tensor<T>& tensor) {
    const Buffer<T> copy(shape_of(tensor));
    std::copy_n(tensor.data(), tensor.size(), copy.data());
    *this = copy;
}

template <class T>
Array<T> Array<T>::filled(const Shape& shape, T value) {
    Buffer<T> array(shape);
    std::fill_n(array.data(), array.size(), value);
    return array;
}

}  // namespace tapeloop
