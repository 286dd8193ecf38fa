#pragma once

#include <autograd/recomputed.hpp>
#include <autograd/record/draws.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/state.hpp>
#include <nn/training.hpp>

#include <memory>
#include <optional>

namespace tapeloop::nn {

/// Computes `f()`, a `Var` or a state, and keeps its result alone: what f computed on the way is dropped, and
/// computed again when its gradient is asked for. So a long computation takes the memory of one stretch, for
/// the time of one more forward pass (Chen et al. 2016, arXiv:1604.06174); f may call `recomputed` itself.
/// Values and gradients have the same bits as without; gradients of higher order sum in another order.
///
///     for (std::size_t begin = 0; begin < T; begin += 100)
///         std::tie(J, h) = nn::recomputed([&cell, J, h, part = slice(x, 0, begin, begin + 100)] {
///             const auto [outputs, next, trace] = nn::unroll(cell, part, h);
///             return std::pair{J + nn::mse(outputs, ...), next};
///         });
///
/// f is copied and called later: it captures `Var`s by value, and what it captures by reference, such as
/// cells, must live as long as the tape. Masks are kept as they were drawn, and a `Training` scope is as it
/// was. Should f give other bits when it is called again, because something that it reads has changed, the
/// gradient throws `std::logic_error`. On a tape that is watched or observed nothing is dropped.
template <class F>
std::invoke_result_t<const F&> recomputed(F f, const CallSite& site = CallSite::current()) {
    using Result = std::invoke_result_t<const F&>;
    using T = typename detail::StateValue<Result>::type;
    static_assert(
        !std::is_void_v<T>,
        "recomputed: the function must return a Var, or a std::pair, tuple, array or vector of them");
    // Shared: std::function copies what it holds, and the structure is known once f was called.
    const auto structure = std::make_shared<std::optional<Result>>();
    Generator* const generator = Training::generator();
    std::vector<Var<T>> list = tapeloop::detail::recomputed<T>(
        [f = std::move(f), structure, generator] {
            const auto call = [&] {
                Result result = f();
                std::vector<Var<T>> parts = detail::listed<T>(result);
                if (!structure->has_value()) *structure = std::move(result);
                return parts;
            };
            if (generator == nullptr) {
                const Evaluation as_before;
                return call();
            }
            const auto* const draws = Tape<T>::current().draws();
            if (draws == nullptr || !draws->repeats()) {
                const Training as_before(*generator);
                return call();
            }
            Generator unused(0);  // the masks are there, and the other one may be gone
            const Training as_before(unused);
            return call();
        },
        site);
    return detail::structured<T>(list, **structure);
}

}  // namespace tapeloop::nn
