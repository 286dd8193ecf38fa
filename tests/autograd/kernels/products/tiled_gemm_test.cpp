#include <tests/expect.hpp>

#include <autograd/kernels/products/packed_matrix.hpp>
#include <autograd/kernels/products/tiled_gemm.hpp>
#include <autograd/kernels/threads.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// A product by loops, in double.
Tensor<double> by_loops(Transposed transposed, const Tensor<double>& a, const Tensor<double>& b,
                        const Tensor<double>* before) {
    const std::size_t m = a.shape()[transposed.a ? 1 : 0];
    const std::size_t k = a.shape()[transposed.a ? 0 : 1];
    const std::size_t n = b.shape()[transposed.b ? 0 : 1];
    return generate({m, n}, [&](const Position& at) {
        double sum = before == nullptr ? 0 : (*before)(at[0], at[1]);
        for (std::size_t p = 0; p < k; ++p)
            sum += (transposed.a ? a(p, at[0]) : a(at[0], p)) * (transposed.b ? b(at[1], p) : b(p, at[1]));
        return sum;
    });
}

template <class T>
void check(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, bool add) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(transposed.a);
    CAPTURE(transposed.b);
    CAPTURE(add);
    Random random(m * 10'007 + n * 101 + k);
    const auto a = rounded<T>(random.tensor(transposed.a ? Shape{k, m} : Shape{m, k}));
    const auto b = rounded<T>(random.tensor(transposed.b ? Shape{n, k} : Shape{k, n}));
    // The result lies in a wider matrix, whose other elements are not to be touched.
    constexpr std::size_t margin = 3;
    constexpr T untouched = 77;
    Tensor<T> wide = rounded<T>(filled({m, n + margin}, untouched));
    const Tensor<double> before = as_double(rounded<T>(random.tensor({m, n})));
    if (add)
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j) wide(i, j) = static_cast<T>(before(i, j));
    tapeloop::detail::tiled_gemm<T>(transposed, m, n, k, a.data(), a.shape()[1], b.data(), b.shape()[1], add,
                                    wide.data(), n + margin);
    check_close(part_of(as_double(wide), 1, 0, n),
                by_loops(transposed, as_double(a), as_double(b), add ? &before : nullptr),
                std::is_same_v<T, float> ? 1e-5 : 1e-13);
    check_same_bits(part_of(as_double(wide), 1, n, margin), filled({m, margin}, untouched));
}

}  // namespace

TEST_CASE("tiled_gemm: every height and width of tile, every tail, both transposes, written and added") {
    for (const Transposed transposed :
         {Transposed{}, Transposed{true, false}, Transposed{false, true}, Transposed{true, true}})
        for (std::size_t m : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 13U})
            for (std::size_t n : {1U, 2U, 7U, 8U, 15U, 16U, 17U, 31U, 33U, 63U, 64U, 65U, 129U, 150U})
                for (bool add : {false, true}) {
                    check<float>(transposed, m, n, 19, add);
                    check<double>(transposed, m, n, 5, add);
                }
}

TEST_CASE("tiled_gemm: inner sizes up to several blocks") {
    for (const Transposed transposed : {Transposed{}, Transposed{true, false}, Transposed{false, true}})
        for (std::size_t k : {1U, 2U, 16U, 17U, 255U, 256U, 257U, 600U}) {
            check<float>(transposed, 3, 20, k, false);
            check<double>(transposed, 7, 20, k, true);
        }
}

TEST_CASE("tiled_gemm: rows enough to pack b, to turn it around, and for several blocks") {
    for (const Transposed transposed :
         {Transposed{}, Transposed{true, false}, Transposed{false, true}, Transposed{true, true}})
        for (std::size_t m : {31U, 32U, 96U, 257U})
            for (std::size_t n : {1U, 23U, 50U}) {
                check<float>(transposed, m, n, 33, m % 2 == 0);
                check<double>(transposed, m, n, 270, m % 2 == 1);
            }
}

TEST_CASE("tiled_gemm: the number of threads changes no bit") {
    Random random("threads");
    for (const Transposed transposed :
         {Transposed{}, Transposed{true, false}, Transposed{false, true}, Transposed{true, true}})
        for (std::size_t m : {8U, 40U, 130U}) {
            const std::size_t n = 401;
            const std::size_t k = 320;
            const Tensor<double> a = random.tensor(transposed.a ? Shape{k, m} : Shape{m, k});
            const Tensor<double> b = random.tensor(transposed.b ? Shape{n, k} : Shape{k, n});
            Tensor<double> shared = filled({m, n}, 0);
            Tensor<double> alone = filled({m, n}, 0);
            const auto compute = [&](Tensor<double>& c) {
                tapeloop::detail::tiled_gemm<double>(transposed, m, n, k, a.data(), a.shape()[1], b.data(),
                                                     b.shape()[1], false, c.data(), n);
            };
            compute(shared);
            const OneThread scope;
            compute(alone);
            check_same_bits(shared, alone);
        }
}

TEST_CASE("tiled_gemm: a row's results do not depend on its neighbours, to the last bit") {
    Random random("neighbours");
    const std::size_t n = 70;
    const std::size_t k = 300;
    const std::size_t m = 100;  // so many that b is packed
    const Tensor<double> a = random.tensor({m, k});
    const Tensor<double> b = random.tensor({k, n});
    Tensor<double> all = filled({m, n}, 0);
    tapeloop::detail::tiled_gemm<double>({}, m, n, k, a.data(), k, b.data(), n, false, all.data(), n);
    for (std::size_t row = 0; row < m; ++row) {
        Tensor<double> alone = filled({1, n}, 0);
        tapeloop::detail::tiled_gemm<double>({}, 1, n, k, a.data() + row * k, k, b.data(), n, false,
                                             alone.data(), n);
        check_same_bits(part_of(all, 0, row, 1), alone);
    }
}

namespace {

/// A packed matrix gives what the matrix as it lies gives, to the bit, for any number of rows.
template <class T>
void check_packed(bool transposed, std::size_t m, std::size_t n, std::size_t k, bool add) {
    CAPTURE(transposed);
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(add);
    Random random(m * 10'007 + n * 101 + k);
    const auto a = rounded<T>(random.tensor({m, k + 1}));
    const Tensor<double> b = random.tensor({k, n});
    const auto as_it_lies = rounded<T>(b);
    const auto turned = rounded<T>(generate({n, k}, [&](const Position& at) { return b(at[1], at[0]); }));
    constexpr std::size_t margin = 3;
    Tensor<T> found = rounded<T>(random.tensor({m, n + margin}));
    Tensor<T> expected = found;
    tapeloop::detail::tiled_gemm<T>({}, m, n, k, a.data(), k + 1, as_it_lies.data(), n, add, expected.data(),
                                    n + margin);
    const tapeloop::detail::PackedMatrix<T> packed(transposed ? turned.data() : as_it_lies.data(),
                                                   transposed ? k : n, transposed, k, n);
    packed.multiply(m, a.data(), k + 1, add, found.data(), n + margin);
    check_same_bits(as_double(found), as_double(expected));
}

}  // namespace

TEST_CASE("packed matrix: every height and width of tile, both ways of lying, the same bits as unpacked") {
    for (const bool transposed : {false, true})
        for (std::size_t m : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 13U, 64U})
            for (std::size_t n : {1U, 7U, 8U, 15U, 16U, 17U, 33U, 48U, 63U, 64U, 65U, 129U, 150U})
                for (bool add : {false, true}) {
                    check_packed<float>(transposed, m, n, 19, add);
                    check_packed<double>(transposed, m, n, 5, add);
                }
}

TEST_CASE("packed matrix: several blocks of the inner axis, more than the cache keeps, two threads") {
    for (const bool transposed : {false, true})
        for (std::size_t k : {1U, 255U, 256U, 257U, 600U}) {
            check_packed<float>(transposed, 5, 40, k, true);
            check_packed<double>(transposed, 8, 20, k, false);
        }
    for (const bool transposed : {false, true}) {
        check_packed<float>(transposed, 16, 700, 300, true);
        check_packed<double>(transposed, 32, 301, 257, false);
    }
}
