#include <autograd/kernels/lanes.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/kernels/tiled_gemm.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

/// Registers for a tile of the result: `tile_rows` by `tile_vectors` sums, a row of b, and an element of a.
#if defined(__AVX512F__)
constexpr std::size_t tile_rows = 8;
constexpr std::size_t tile_vectors = 3;
#else
constexpr std::size_t tile_rows = 6;
constexpr std::size_t tile_vectors = 2;
#endif
/// A tile of one row takes more columns: its sums would otherwise wait for each other.
constexpr std::size_t row_vectors = 8;
/// Rows of b, and rows of a, that are gone through at once: what is read of both stays in the caches.
constexpr std::size_t inner_block = 256;
constexpr std::size_t row_block = 256;
/// From so many rows on it repays to copy the block of b that a column of tiles reads to one place, where its
/// rows do not lie pages apart; and from so many on to turn it around on the way, instead of summing across
/// the lanes of registers.
constexpr std::size_t worth_packing = 96;
constexpr std::size_t worth_turning = 32;

/// A matrix read by rows or, transposed, by columns.
template <class T>
struct Strided {
    const T* data;
    std::size_t row;
    std::size_t column;
};

template <class T, std::size_t V>
struct Vectors {
    static constexpr std::size_t width = Lanes<T>::width;
    std::size_t last;  // elements of the last vector

    Lanes<T> load(const T* from, std::size_t v) const {
        return v + 1 < V || last == width ? Lanes<T>::load(from + v * width)
                                          : Lanes<T>::load(from + v * width, last);
    }
    void store(T* to, std::size_t v, Lanes<T> x) const {
        if (v + 1 < V || last == width)
            x.store(to + v * width);
        else
            x.store(to + v * width, last);
    }
};

/// R rows of the result by V vectors of its columns, which in b are whole or end as those of the result.
template <std::size_t R, std::size_t V, bool whole, class T>
void compute_tile(std::size_t k, const Strided<T>& a, const T* b, std::size_t columns_b, bool add, T* c,
                  std::size_t columns_c, const Vectors<T, V>& columns) {
    std::array<std::array<Lanes<T>, V>, R> sums;
    for (auto& row : sums) row.fill(0);
    for (std::size_t p = 0; p < k; ++p, b += columns_b) {
        std::array<Lanes<T>, V> row;
        for (std::size_t v = 0; v < V; ++v) {
            if constexpr (whole)
                row[v] = Lanes<T>::load(b + v * Lanes<T>::width);
            else
                row[v] = columns.load(b, v);
        }
        for (std::size_t r = 0; r < R; ++r) {
            const Lanes<T> element(a.data[r * a.row + p * a.column]);
            for (std::size_t v = 0; v < V; ++v) sums[r][v] = multiply_add(element, row[v], sums[r][v]);
        }
    }
    for (std::size_t r = 0; r < R; ++r, c += columns_c)
        for (std::size_t v = 0; v < V; ++v)
            columns.store(c, v, add ? columns.load(c, v) + sums[r][v] : sums[r][v]);
}

/// Calls `f` with the integral constant `count`, which is in 1 .. most.
template <std::size_t most, class F>
void with_constant(std::size_t count, const F& f) {
    if constexpr (most > 1)
        if (count < most) return with_constant<most - 1>(count, f);
    f(std::integral_constant<std::size_t, most>());
}

/// All rows of the result by V vectors of its columns, in tiles that are as equal as can be.
template <std::size_t V, class T>
void compute_columns(std::size_t m, std::size_t k, Strided<T> a, const T* b, std::size_t columns_b, bool add,
                     T* c, std::size_t columns_c, std::size_t last, bool whole) {
    constexpr std::size_t most_rows = V > tile_vectors ? 1 : tile_rows;
    const Vectors<T, V> columns{last};
    for (std::size_t tiles = (m + most_rows - 1) / most_rows; tiles > 0; --tiles) {
        const std::size_t rows = (m + tiles - 1) / tiles;
        with_constant<most_rows>(rows, [&]<std::size_t R>(std::integral_constant<std::size_t, R>) {
            if (whole)
                compute_tile<R, V, true>(k, a, b, columns_b, add, c, columns_c, columns);
            else
                compute_tile<R, V, false>(k, a, b, columns_b, add, c, columns_c, columns);
        });
        a.data += rows * a.row;
        c += rows * columns_c;
        m -= rows;
    }
}

/// Copies `depth` rows of a column of tiles to where they lie one behind the other, in whole vectors.
template <std::size_t V, class T>
void pack(const Strided<T>& b, std::size_t depth, const Vectors<T, V>& columns, T* packed) {
    constexpr std::size_t width = Lanes<T>::width;
    if (b.column == 1) {
        for (std::size_t p = 0; p < depth; ++p)
            for (std::size_t v = 0; v < V; ++v)
                columns.load(b.data + p * b.row, v).store(packed + (p * V + v) * width);
        return;
    }
    const std::size_t count = (V - 1) * width + columns.last;
    for (std::size_t j = 0; j < V * width; ++j)
        for (std::size_t p = 0; p < depth; ++p)
            packed[p * V * width + j] = j < count ? b.data[j * b.column + p * b.row] : T(0);
}

/// Some columns of the result.
template <class T>
void compute_panels(std::size_t m, std::size_t n, std::size_t k, Strided<T> a, Strided<T> b, bool add, T* c,
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
                const T* panel = b.data + column * b.column;
                std::size_t row = b.row;
                if constexpr (V <= tile_vectors)
                    if (packs) {
                        row = V * width;
                        pack<V>({panel, b.row, b.column}, depth, Vectors<T, V>{(count - 1) % width + 1},
                                packed.data());
                        panel = packed.data();
                    }
                compute_columns<V>(m, depth, a, panel, row, add, c + column, columns_c,
                                   (count - 1) % width + 1, packs || count % width == 0);
            };
            with_constant<row_vectors>((count + width - 1) / width, run);
        }
        a.data += depth * a.column;
        b.data += depth * b.row;
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
    const Strided<T> read_a = transposed.a ? Strided<T>{a, 1, columns_a} : Strided<T>{a, columns_a, 1};
    const Strided<T> read_b = transposed.b ? Strided<T>{b, 1, columns_b} : Strided<T>{b, columns_b, 1};
    const bool is_dots = transposed.b && !transposed.a && m < worth_turning;
    const auto compute = [&](std::size_t column, std::size_t columns) {
        if (is_dots)
            return compute_dots(m, columns, k, a, columns_a, b + column * columns_b, columns_b, add,
                                c + column, columns_c);
        for (std::size_t row = 0; row < m; row += row_block)
            compute_panels(std::min(row_block, m - row), columns, k,
                           {read_a.data + row * read_a.row, read_a.row, read_a.column},
                           {read_b.data + column * read_b.column, read_b.row, read_b.column}, add,
                           c + row * columns_c + column, columns_c);
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
