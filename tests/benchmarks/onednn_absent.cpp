// Stands in for onednn_primitive.cpp and gemm_onednn.cpp where oneDNN is not installed.
#include "contenders.hpp"
#include "gemm.hpp"

namespace tapeloop::benchmarks {

std::unique_ptr<Contender> make_onednn_primitive(const Problem&) { return nullptr; }

bool onednn_gemm(Transpose, Transpose, Index, Index, Index, const float*, Index, const float*, Index, float,
                 float*, Index) {
    return false;
}

}  // namespace tapeloop::benchmarks
