#pragma once

#include <autograd/check/check_gradient.hpp>

#include <functional>
#include <string>
#include <vector>

/// The table of mistakes that checks have to find.
namespace tapeloop::test {

struct Planted {
    std::string mistake;
    Diagnosis expected;
    std::function<GradientReport(const CheckOptions&)> check;
    /// The texts that the report has to have besides.
    std::vector<std::string> fragments = {};
    CheckOptions options = {};
    /// The operation that is to be accused; any of the tests' own where it is empty.
    std::string place = {};
};

/// Mistakes of kinds that each need a class of their own.
std::vector<Planted> planted_kinds();
/// The usual mistakes in the library's own rules, one operation after the other.
std::vector<Planted> planted_faults();

}  // namespace tapeloop::test
