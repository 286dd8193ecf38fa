// What a run has measured, as a table for people and as JSON for programs.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "measure.hpp"
#include "workload.hpp"

namespace tapeloop::benchmarks {

enum class Role { own, peer, limit };

struct Label {
    std::string name;
    std::string style;  // empty where a library has but one
    Role role;

    std::string text() const { return style.empty() ? name : name + " " + style; }
};

// All contenders at one size; absent where a contender did not take part.
struct Row {
    CellKind cell;
    Size size;
    int threads;
    std::vector<std::optional<Timing>> timings;
};

void print_heading(const std::vector<Label>& labels, CellKind cell, int threads);
void print_row(const std::vector<Label>& labels, const Row& row);

// For each of our own contenders, how many times faster than every other it is.
void print_ratios(const std::vector<Label>& labels, const std::vector<Row>& rows);

// An array with one object a measurement.
void write_json(std::ostream& out, const std::vector<Label>& labels, const std::vector<Row>& rows);

}  // namespace tapeloop::benchmarks
