// All headers in one file: no two of them may declare the same name differently.
#include <autograd/autograd.hpp>
#include <autograd/check/check.hpp>
#include <autograd/custom.hpp>
#include <autograd/derivatives.hpp>
#include <autograd/elementwise.hpp>
#include <autograd/gradient.hpp>
#include <autograd/kernels/array.hpp>
#include <autograd/kernels/as_double.hpp>
#include <autograd/kernels/blas.hpp>
#include <autograd/kernels/gemm.hpp>
#include <autograd/kernels/lanes.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/kernels/pass.hpp>
#include <autograd/kernels/pool.hpp>
#include <autograd/kernels/product.hpp>
#include <autograd/kernels/reduction.hpp>
#include <autograd/kernels/repeated_products.hpp>
#include <autograd/kernels/small_gemm.hpp>
#include <autograd/kernels/strided.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/map.hpp>
#include <autograd/map/dual.hpp>
#include <autograd/map/map_operation.hpp>
#include <autograd/map/map_streams.hpp>
#include <autograd/ops/elementary.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/parameter.hpp>
#include <autograd/record/defined_operations.hpp>
#include <autograd/record/definition.hpp>
#include <autograd/record/description.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/record/operation.hpp>
#include <autograd/shape.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/latex.hpp>
#include <autograd/study/derivation/node_names.hpp>
#include <autograd/study/derivation/numerals.hpp>
#include <autograd/study/explain/broken_paths.hpp>
#include <autograd/study/explain/causes.hpp>
#include <autograd/study/explain/culprits.hpp>
#include <autograd/study/explain/explain.hpp>
#include <autograd/study/flow/backward_wave.hpp>
#include <autograd/study/flow/gate_saturation.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <autograd/study/flow/gradient_path.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/graph/dot.hpp>
#include <autograd/study/graph/fold.hpp>
#include <autograd/study/graph/graph.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/study/graph/table.hpp>
#include <autograd/study/graph/text.hpp>
#include <autograd/study/graph/words.hpp>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/jacobian_spectrum.hpp>
#include <autograd/study/jacobian/local_jacobian.hpp>
#include <autograd/study/jacobian/state_steps.hpp>
#include <autograd/study/jacobian/states.hpp>
#include <autograd/study/jacobian/stretch.hpp>
#include <autograd/study/jacobian/weight_products.hpp>
#include <autograd/study/page/json.hpp>
#include <autograd/study/page/write_study.hpp>
#include <autograd/study/study.hpp>
#include <autograd/sweep/contributions.hpp>
#include <autograd/sweep/local_sweep.hpp>
#include <autograd/sweep/sweep.hpp>
#include <autograd/tape.hpp>
#include <autograd/tensor.hpp>
#include <autograd/var.hpp>
#include <autograd/watch.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>
#include <nn/study/states.hpp>
#include <optim/optim.hpp>

#include <doctest/doctest.h>

using namespace tapeloop;

TEST_CASE("headers: all of them together") {
    // `explain` and `check_gradient` each have words of their own for what they find.
    CHECK(name_of(GradientSize::huge) == "huge");
    CHECK(CheckedElement{}.verdict == Verdict::right);
}
