#pragma once

/// Studies of cells through time.
#include <nn/study/states.hpp>
#include <nn/study/truncation_report.hpp>
