#include <autograd/sweep/deferred_products.hpp>

#include <algorithm>

namespace tapeloop::detail {

template <class T>
typename DeferredProducts<T>::Panel* DeferredProducts<T>::find(NodeIndex node) {
    const auto panel =
        std::find_if(panels_.begin(), panels_.end(), [node](const Panel& one) { return one.node == node; });
    return panel == panels_.end() ? nullptr : &*panel;
}

template <class T>
typename DeferredProducts<T>::Panel& DeferredProducts<T>::panel_of(NodeIndex node,
                                                                   const Product<T>& product) {
    if (Panel* known = find(node); known != nullptr) return *known;
    const auto rows_as_wide_as = [](const Array<T>& x) { return Buffer<T>(Shape{panel_rows, x.shape()[1]}); };
    panels_.push_back({node, 0, rows_as_wide_as(product.a), rows_as_wide_as(product.b)});
    bytes_ += panels_.back().bytes();
    return panels_.back();
}

template <class T>
void DeferredProducts<T>::append(Panel& panel, const Product<T>& product) {
    const auto append_to = [&panel](const Buffer<T>& all, const Array<T>& rows) {
        std::copy_n(rows.data(), rows.size(), all.data() + panel.rows * all.shape()[1]);
    };
    append_to(panel.a, product.a);
    append_to(panel.g, product.b);
    panel.rows += product.inner();
}

template <class T>
void DeferredProducts<T>::compute(Panel& panel, const Target<T>& target) {
    const std::size_t m = panel.a.shape()[1];
    const std::size_t n = panel.g.shape()[1];
    gemm({.a = true, .b = false}, m, n, panel.rows, panel.a.data(), m, panel.g.data(), n,
         target.add ? T(1) : T(0), target.data, n);
    panel.rows = 0;
}

template <class T>
void DeferredProducts<T>::drop(Panel* panel) {
    bytes_ -= panel->bytes();
    panels_.erase(panels_.begin() + (panel - panels_.data()));
}

template class DeferredProducts<float>;
template class DeferredProducts<double>;

}  // namespace tapeloop::detail
