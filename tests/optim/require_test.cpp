#include <tests/optim/optimizer.hpp>

#include <optim/require.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::detail::first_not_finite;

namespace {

template <class T>
void check_found(std::size_t size, std::size_t stride) {
    Tensor<T> tensor = rounded<T>(filled({size}, 1));
    CHECK(first_not_finite(tensor) == size);
    for (std::size_t i = 0; i < size; i += stride)
        for (double bad : {not_a_number, infinity, -infinity}) {
            tensor.data()[i] = static_cast<T>(bad);
            CHECK(first_not_finite(tensor) == i);
            tensor.data()[i] = std::numeric_limits<T>::max();
        }
    CHECK(first_not_finite(tensor) == size);
}

}  // namespace

TEST_CASE("require: one element that is not finite is found wherever it is, in large tensors too") {
    for (std::size_t size : {0U, 1U, 3U, 16U, 67U}) {
        check_found<double>(size, 1);
        check_found<float>(size, 1);
    }
    check_found<double>(300'001, 20'011);
    check_found<float>(300'001, 20'011);
}
