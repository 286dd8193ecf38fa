#pragma once

#include <autograd/kernels/products/product.hpp>

#include <autograd/var.hpp>
#include <vector>

namespace tapeloop::detail {

/// Weight gradients that wait for company. In a recurrent network a weight gets one product a^T g of a few
/// rows from every time step; their rows are gathered in a panel, and one product of all of them is much
/// faster.
template <class T>
class DeferredProducts {
  public:
    /// Takes a^T g for `node` if it has few rows; else returns false, and it is to be computed at once.
    /// `target()` is asked for where the node's cotangent goes when a panel has become full.
    template <class GetTarget>
    bool take(NodeIndex node, const Product<T>& product, const GetTarget& target) {
        if (!product.transposed.a || product.transposed.b || product.inner() >= enough_rows) return false;
        Panel& panel = panel_of(node, product);
        if (panel.rows + product.inner() > panel_rows) compute(panel, target());
        append(panel, product);
        return true;
    }
    bool holds(NodeIndex node) { return find(node) != nullptr; }
    /// Computes what waits for `node`.
    template <class GetTarget>
    void compute(NodeIndex node, const GetTarget& target) {
        if (Panel* panel = find(node); panel != nullptr && panel->rows > 0) compute(*panel, target());
    }
    /// Computes it, and gives the panel's memory back.
    template <class GetTarget>
    void settle(NodeIndex node, const GetTarget& target) {
        compute(node, target);
        if (Panel* panel = find(node); panel != nullptr) drop(panel);
    }
    /// Forgets the rows that wait; the panels stay.
    void restart() {
        for (Panel& panel : panels_) panel.rows = 0;
    }
    /// Forgets what waits for `first` and the nodes behind it, and their panels.
    void drop_from(NodeIndex first) {
        for (std::size_t k = panels_.size(); k-- > 0;)
            if (panels_[k].node >= first) drop(&panels_[k]);
    }
    bool empty() const { return panels_.empty(); }
    /// Returns the bytes that the panels take.
    std::size_t bytes() const { return bytes_; }

  private:
    // A product with at least this many rows is worth a gemm of its own; fewer wait, up to a panel's size.
    static constexpr std::size_t enough_rows = 512;
    static constexpr std::size_t panel_rows = 1024;

    struct Panel {
        NodeIndex node;
        std::size_t rows;
        Buffer<T> a;
        Buffer<T> g;
        std::size_t bytes() const { return a.memory().bytes() + g.memory().bytes(); }
    };

    Panel* find(NodeIndex node);
    Panel& panel_of(NodeIndex node, const Product<T>& product);
    static void append(Panel& panel, const Product<T>& product);
    static void compute(Panel& panel, const Target<T>& target);
    void drop(Panel* panel);

    std::vector<Panel> panels_;
    std::size_t bytes_ = 0;
};

extern template class DeferredProducts<float>;
extern template class DeferredProducts<double>;

}  // namespace tapeloop::detail
