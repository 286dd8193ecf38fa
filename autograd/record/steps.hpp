#pragma once

#include <autograd/kernels/prepared_pass.hpp>
#include <autograd/kernels/products/repeated_products.hpp>
#include <autograd/tape.hpp>

#include <algorithm>
#include <vector>

namespace tapeloop::detail {

/// What a recording does when it runs again, step by step. Operations add what they do; every place that a
/// step reads or writes is known when it is added, and stays.
template <class T>
class Steps {
  public:
    explicit Steps(Tape<T>& tape) : tape_(tape) {}

    Tape<T>& tape() const { return tape_; }
    std::size_t size() const { return steps_.size(); }
    /// Takes back the steps that were added since there were `size`.
    void shorten(std::size_t size) { steps_.resize(size); }

    /// Moves a node's value to a place of its own, which a step may write; one that it has already stays.
    Buffer<T> place(NodeIndex node) const {
        const Array<T> value = tape_.array(node);
        T*& own = tape_.place(node);
        if (own == nullptr) {
            own = tape_.allocate(value.size());
            std::copy_n(value.data(), value.size(), own);
            tape_.replace_value(node, own);
        }
        return {value.shape(), own};
    }
    /// Adds a step `f()`.
    template <class F>
    void add(F f) {
        const F& kept = tape_.keep(std::move(f));
        steps_.push_back({&kept, [](const void* step) { (*static_cast<const F*>(step))(); }});
    }
    /// Adds a pass as `run_kernel` runs it. `function` must live as long as the tape.
    void pass(const Shape& shape, std::span<const Layout> layouts, std::span<const T* const> inputs,
              std::span<const Target<T>> targets, Kernel<T> kernel, const void* function) {
        const auto& prepared = tape_.keep(PreparedPass<T>(shape, layouts, inputs, targets, kernel, function));
        steps_.push_back(
            {&prepared, [](const void* pass) { static_cast<const PreparedPass<T>*>(pass)->run(); }});
    }
    /// Adds a product that `products` may keep copies for, written to `target` or added to what is there.
    void product(RepeatedProducts<T>& products, const Product<T>& product, const Shape& shape,
                 const Target<T>& target) {
        if (RepeatedProducts<T>::is_worth_packing(product))
            add([&products, product, shape, target] { products.compute(product, shape, target); });
        else
            add([product, shape, target] { product.compute(shape, target.data, target.add); });
    }
    /// Adds a copy of elements.
    void copy(const T* from, T* to, std::size_t size) {
        add([from, to, size] { std::copy_n(from, size, to); });
    }
    void run() const {
        for (const Step& step : steps_) step.run(step.what);
    }

  private:
    struct Step {
        const void* what;
        void (*run)(const void* what);
    };
    Tape<T>& tape_;
    std::vector<Step> steps_;
};

}  // namespace tapeloop::detail
