#include <autograd/kernels/products/tiled_gemm.hpp>
#include <autograd/kernels/products/tiles.hpp>
#include <autograd/kernels/threads.hpp>

namespace tapeloop::detail {
namespace {

/// A tile of one row takes more columns: its sums would otherwise wait for each other.
constexpr std::size_t row_vectors = 8;
/// Rows of a that are gone through at once: what is read of them stays in the caches.
constexpr std::size_t row_block = 256;
/// From so many rows on it repays to copy the block of b that a column of tiles reads to one place, where its
/// rows do not lie pages apart; and from so many on to turn it around on the way, instead of summing across
/// the lanes of registers.
constexpr std::size_t worth_packing = 96;
constexpr std::size_t worth_turning = 32;

/// Some columns of the result.
template <class A, class T>
void compute_panels(std::size_t m, std::size_t n, std::size_t k, A a, Strided<T> b, bool add, T* c,
                    std::size_t columns_c) {
    constexpr std::size_t width = Lanes<T>::width;
    alignas(64) std::array<T, inner_block * tile_vectors * width> packed;
    const bool packs = b.column != 1 || m >= worth_packing;
    const std::size_t most = m == 1 && !packs ? row_vectors : tile_vectors;
    for (std::size_t first = 0; first < k; first += inner_block) {
        const std::size_t depth = std::min(inner_block, k - first);
        for (std::size_t column = 0; column < n; column += most * width) {
            const std::size_t count = std::min(most * width, n - column);
            const auto run = [&]<std::size_t V>(std::integral_constant<std::size_t, V>) {
                Columns<T> panel{b.from(0, column).data, b.row};
                if constexpr (V <= tile_vectors)
                    if (packs) {
                        pack<V>(b.from(0, column), depth, Vectors<T, V>{(count - 1) % width + 1},
                                packed.data());
                        panel = {packed.data(), V * width};
                    }
                compute_columns<V>(m, depth, a, panel, add, c + column, columns_c, (count - 1) % width + 1,
                                   packs || count % width == 0);
            };
            with_constant<row_vectors>((count + width - 1) / width, run);
        }
        a = a.from(0, depth);
        b = b.from(depth, 0);
        add = true;
    }
}

/// R rows of the result by C columns, each element an inner product of a row of a with one of b.
template <std::size_t R, std::size_t C, class T>
void compute_dots_tile(std::size_t k, const T* a, std::size_t columns_a, const T* b, std::size_t columns_b,
                       bool add, T* c, std::size_t columns_c) {
    constexpr std::size_t width = Lanes<T>::width;
    std::array<std::array<Lanes<T>, C>, R> sums;
    for (auto& row : sums) row.fill(0);
    for (std::size_t p = 0; p < k; p += width) {
        const Vectors<T, 1> part{std::min(width, k - p)};
        std::array<Lanes<T>, C> from_b;
        for (std::size_t j = 0; j < C; ++j) from_b[j] = part.load(b + j * columns_b + p, 0);
        for (std::size_t i = 0; i < R; ++i) {
            const Lanes<T> from_a = part.load(a + i * columns_a + p, 0);
            for (std::size_t j = 0; j < C; ++j) sums[i][j] = multiply_add(from_a, from_b[j], sums[i][j]);
        }
    }
    for (std::size_t i = 0; i < R; ++i)
        for (std::size_t j = 0; j < C; ++j) {
            const T sum = xsimd::hadd(sums[i][j].value);
            T& element = c[i * columns_c + j];
            element = add ? element + sum : sum;
        }
}

template <class T>
void compute_dots(std::size_t m, std::size_t n, std::size_t k, const T* a, std::size_t columns_a, const T* b,
                  std::size_t columns_b, bool add, T* c, std::size_t columns_c) {
    constexpr std::size_t most = 4;
    for (std::size_t row = 0; row < m;) {
        const std::size_t rows = std::min(most, m - row);
        for (std::size_t column = 0; column < n;) {
            const std::size_t columns = std::min(most, n - column);
            with_constant<most>(rows, [&]<std::size_t R>(std::integral_constant<std::size_t, R>) {
                with_constant<most>(columns, [&]<std::size_t C>(std::integral_constant<std::size_t, C>) {
                    compute_dots_tile<R, C>(k, a + row * columns_a, columns_a, b + column * columns_b,
                                            columns_b, add, c + row * columns_c + column, columns_c);
                });
            });
            column += columns;
        }
        row += rows;
    }
}

}  // namespace

template <class T>
void tiled_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
                std::size_t columns_a, const T* b, std::size_t columns_b, bool add, T* c,
                std::size_t columns_c) {
    const Strided<T> read_b = transposed.b ? Strided<T>{b, 1, columns_b} : Strided<T>{b, columns_b, 1};
    const bool is_dots = transposed.b && !transposed.a && m < worth_turning;
    const auto compute = [&](std::size_t column, std::size_t columns) {
        if (is_dots)
            return compute_dots(m, columns, k, a, columns_a, b + column * columns_b, columns_b, add,
                                c + column, columns_c);
        for (std::size_t row = 0; row < m; row += row_block) {
            const auto panels = [&](const auto& rows_of_a) {
                compute_panels(std::min(row_block, m - row), columns, k, rows_of_a, read_b.from(0, column),
                               add, c + row * columns_c + column, columns_c);
            };
            if (transposed.a)
                panels(Strided<T>{a + row, 1, columns_a});
            else
                panels(Rows<T>{a + row * columns_a, columns_a});
        }
    };
    // Whole columns of tiles for each thread.
    constexpr std::size_t tile_columns = tile_vectors * Lanes<T>::width;
    const std::size_t tiles = (n + tile_columns - 1) / tile_columns;
    const std::size_t parts = m * n * k < worth_two_threads ? 1 : std::min(thread_count(), tiles);
    if (parts == 1) return compute(0, n);
    in_parallel(parts, [&](std::size_t part) {
        const std::size_t first = part * tiles / parts * tile_columns;
        const std::size_t last = std::min(n, (part + 1) * tiles / parts * tile_columns);
        compute(first, last - first);
    });
}

template void tiled_gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                         const float*, std::size_t, bool, float*, std::size_t);
template void tiled_gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                         const double*, std::size_t, bool, double*, std::size_t);

}  // namespace tapeloop::detail
