#pragma once

namespace char_rnn {

/// Keeps the products of matrices on the calling thread, unless OMP_NUM_THREADS says otherwise. A batch's
/// products are so small that a second thread gains little; and where another program wants the second core,
/// the OpenMP under them spins in wait for it, and training comes to a stand.
void compute_on_one_thread();

}  // namespace char_rnn
