#include <autograd/kernels/products/packed_matrix.hpp>
#include <autograd/kernels/products/tiled_gemm.hpp>
#include <autograd/kernels/products/tiles.hpp>
#include <autograd/kernels/threads.hpp>

namespace tapeloop::detail {
namespace {

/// So many bytes are more than what the second-level cache keeps of a matrix from one product to the next.
constexpr std::size_t worth_fetching_ahead = std::size_t{512} * 1024;

/// The columns of n, in vectors, and in columns of tiles that are as equal as can be.
template <class T>
struct Panels {
    static constexpr std::size_t width = Lanes<T>::width;
    std::size_t columns;
    std::size_t vectors = (columns + width - 1) / width;
    std::size_t count = (vectors + tile_vectors - 1) / tile_vectors;

    /// Calls `f(V, vectors in front of it, elements of its last vector)` for a panel of V vectors.
    template <class F>
    void visit(std::size_t panel, const F& f) const {
        const std::size_t first = vectors * panel / count;
        const std::size_t behind = vectors * (panel + 1) / count;
        with_constant<tile_vectors>(
            behind - first, [&](auto V) { f(V, first, std::min(width, columns - (behind - 1) * width)); });
    }
};

}  // namespace

template <class T>
PackedMatrix<T>::PackedMatrix(const T* b, std::size_t columns_b, bool transposed, std::size_t k,
                              std::size_t n)
    : inner_(k), columns_(n) {
    const Panels<T> panels{n};
    const Strided<T> read = transposed ? Strided<T>{b, 1, columns_b} : Strided<T>{b, columns_b, 1};
    const Buffer<T> elements(Shape{k, panels.vectors * panels.width});
    for (std::size_t panel = 0; panel < panels.count; ++panel)
        panels.visit(panel, [&]<std::size_t V>(std::integral_constant<std::size_t, V>, std::size_t first,
                                               std::size_t last) {
            pack<V>(read.from(0, first * panels.width), k, Vectors<T, V>{last},
                    elements.data() + first * panels.width * k);
        });
    elements_ = elements;
}

template <class T>
void PackedMatrix<T>::multiply(std::size_t m, const T* a, std::size_t columns_a, bool add, T* c,
                               std::size_t columns_c) const {
    const Panels<T> panels{columns_};
    const bool is_large = elements_.size() * sizeof(T) > worth_fetching_ahead;
    const auto compute = [&]<std::size_t V>(std::integral_constant<std::size_t, V>, std::size_t before,
                                            std::size_t last) {
        const T* block = elements_.data() + before * panels.width * inner_;
        for (std::size_t first = 0; first < inner_; first += inner_block) {
            const std::size_t depth = std::min(inner_block, inner_ - first);
            const T* const next = block + depth * V * panels.width;
            compute_columns<V>(m, depth, Rows<T>{a + first, columns_a},
                               PackedColumns<T, V>{block, is_large ? next : nullptr}, add || first != 0,
                               c + before * panels.width, columns_c, last, true);
            block = next;
        }
    };
    const std::size_t parts =
        m * columns_ * inner_ < worth_two_threads ? 1 : std::min(thread_count(), panels.count);
    const auto run = [&](std::size_t part) {
        for (std::size_t panel = part * panels.count / parts; panel < (part + 1) * panels.count / parts;
             ++panel)
            panels.visit(panel, compute);
    };
    if (parts == 1) return run(0);
    in_parallel(parts, run);
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace tapeloop::detail
