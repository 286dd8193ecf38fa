#pragma once

namespace program {

/// Starts the program anew with one thread in OpenBLAS, unless the user has said how many. OpenBLAS starts
/// its threads when it is loaded, before `main`: on a busy machine they spin, and where memory is limited
/// they ask for more without end, and no call stops them.
void use_one_blas_thread(char** arguments);

}  // namespace program
