#pragma once

#include <string>

namespace lab {

/// Whether there is a program of that name in one of the folders of PATH.
bool gnuplot_is_installed();

/// Runs gnuplot and pipes `commands` into it; its complaints go to standard error. Whether it succeeded.
bool run_gnuplot(const std::string& commands);

}  // namespace lab
