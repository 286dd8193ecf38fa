#pragma once

#include <autograd/kernels/strided.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop::detail {

[[noreturn]] inline void refuse(std::string_view name, const Shape& x, const std::string& rule) {
    throw std::invalid_argument(fmt::format("{}: x is {}; {}", name, x.text(), rule));
}

inline OnnxValue onnx_slice(const OnnxValue& x, std::int64_t begin, std::int64_t end, int axis,
                            std::int64_t step) {
    return onnx_node("Slice", {x, OnnxValue::integers({begin}), OnnxValue::integers({end}),
                               OnnxValue::integers({axis}), OnnxValue::integers({step})});
}

/// The operations that read x through a view, `view(x's shape)`; in x's memory if that holds the elements in
/// order.
template <class Self>
struct Viewing {
    Shape shape(const Shape& x) const { return self().view(x).shape; }
    template <class T>
    const T* alias(const Array<T>& x) const {
        const View view = self().view(x.shape());
        return x.size() != 0 && view.is_contiguous() ? x.data() + view.offset : nullptr;
    }
    template <class T>
    void value(const Buffer<T>& y, const Array<T>& x) const {
        transfer(self().view(x.shape()), x.data(), View::of(y.shape()), {y.data(), false});
    }
    template <class T>
    Array<T> of_array(const Array<T>& x) const {
        const T* const data = alias(x);
        return data != nullptr ? Array<T>(shape(x.shape()), data, x.memory()) : apply(self(), x);
    }

  private:
    const Self& self() const { return static_cast<const Self&>(*this); }
};

}  // namespace tapeloop::detail
