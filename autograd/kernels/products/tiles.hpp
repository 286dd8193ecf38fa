#pragma once

#include <autograd/kernels/lanes.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

/// Products in tiles of the result that stay in registers: what `tiled_gemm` and `PackedMatrix` share.
namespace tapeloop::detail {

/// Registers for a tile of the result: `tile_rows` by `tile_vectors` sums, a row of b, and an element of a.
#if defined(__AVX512F__)
inline constexpr std::size_t tile_rows = 8;
inline constexpr std::size_t tile_vectors = 3;
#else
inline constexpr std::size_t tile_rows = 6;
inline constexpr std::size_t tile_vectors = 2;
#endif
/// Rows of b that are gone through at once: what is read of them stays in the caches.
inline constexpr std::size_t inner_block = 256;

/// A matrix read by rows or, transposed, by columns.
template <class T>
struct Strided {
    const T* data;
    std::size_t row;
    std::size_t column;

    T at(std::size_t r, std::size_t p) const { return data[r * row + p * column]; }
    Strided from(std::size_t r, std::size_t p) const { return {data + r * row + p * column, row, column}; }
};

/// A matrix read by rows.
template <class T>
struct Rows {
    const T* data;
    std::size_t row;

    T at(std::size_t r, std::size_t p) const { return data[r * row + p]; }
    Rows from(std::size_t r, std::size_t p) const { return {data + r * row + p, row}; }
};

/// Some columns of b as they lie in it.
template <class T>
struct Columns {
    const T* data;
    std::size_t stride;

    const T* row(std::size_t p) const { return data + p * stride; }
    static void fetch_ahead(std::size_t) {}
    static void end_tile(std::size_t) {}
};

/// V vectors of columns of b that were packed, and what is read after them: a tile fetches a line of it in
/// every row, so that the next columns are in the cache when their turn comes.
template <class T, std::size_t V>
struct PackedColumns {
    static constexpr std::size_t line = 64 / sizeof(T);
    const T* data;
    const T* ahead;  // null when all of b stays in the cache

    const T* row(std::size_t p) const { return data + p * V * Lanes<T>::width; }
    void fetch_ahead(std::size_t p) const {
        if (ahead != nullptr) __builtin_prefetch(ahead + p * line, 0, 2);
    }
    void end_tile(std::size_t k) {
        if (ahead != nullptr) ahead += k * line;
    }
};

/// V vectors, of which the last may have fewer elements.
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
template <std::size_t R, std::size_t V, bool whole, class A, class B, class T>
void compute_tile(std::size_t k, const A& a, const B& b, bool add, T* c, std::size_t columns_c,
                  const Vectors<T, V>& columns) {
    std::array<std::array<Lanes<T>, V>, R> sums;
    for (auto& row : sums) row.fill(0);
    for (std::size_t p = 0; p < k; ++p) {
        b.fetch_ahead(p);
        std::array<Lanes<T>, V> row;
        for (std::size_t v = 0; v < V; ++v) {
            if constexpr (whole)
                row[v] = Lanes<T>::load(b.row(p) + v * Lanes<T>::width);
            else
                row[v] = columns.load(b.row(p), v);
        }
        for (std::size_t r = 0; r < R; ++r) {
            const Lanes<T> element(a.at(r, p));
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
template <std::size_t V, class A, class B, class T>
void compute_columns(std::size_t m, std::size_t k, A a, B b, bool add, T* c, std::size_t columns_c,
                     std::size_t last, bool whole) {
    constexpr std::size_t most_rows = V > tile_vectors ? 1 : tile_rows;
    const Vectors<T, V> columns{last};
    for (std::size_t tiles = (m + most_rows - 1) / most_rows; tiles > 0; --tiles) {
        const std::size_t rows = (m + tiles - 1) / tiles;
        with_constant<most_rows>(rows, [&]<std::size_t R>(std::integral_constant<std::size_t, R>) {
            if (whole)
                compute_tile<R, V, true>(k, a, b, add, c, columns_c, columns);
            else
                compute_tile<R, V, false>(k, a, b, add, c, columns_c, columns);
        });
        a = a.from(rows, 0);
        b.end_tile(k);
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
    using Batch = xsimd::batch<T>;
    using Places = xsimd::as_integer_t<Batch>;
    using Place = typename Places::value_type;
    std::array<Place, width> places;
    for (std::size_t j = 0; j < width; ++j) places[j] = static_cast<Place>(j * b.column);
    const Places at = Places::load_unaligned(places.data());
    const bool fits = b.column <= static_cast<std::size_t>(std::numeric_limits<Place>::max()) / width;
    // Some rows at a time, so that of each column a whole line of the cache is used.
    constexpr std::size_t rows_at_once = 64 / sizeof(T);
    for (std::size_t first = 0; first < depth; first += rows_at_once)
        for (std::size_t v = 0; v < V; ++v)
            for (std::size_t p = first; p < std::min(first + rows_at_once, depth); ++p) {
                T* const to = packed + (p * V + v) * width;
                if (fits && (v + 1 < V || columns.last == width))
                    Batch::gather(b.from(p, v * width).data, at).store_unaligned(to);
                else
                    for (std::size_t j = 0; j < width; ++j)
                        to[j] = v + 1 < V || j < columns.last ? b.at(p, v * width + j) : T(0);
            }
}

}  // namespace tapeloop::detail
