// The work that every contender does: one training step of one recurrent layer, in float32.
//
// A step runs the cell forward over T time steps from a zero state, takes the sum of squares of all hidden
// outputs as the loss, runs backward to the gradients of the parameters and of the input, and updates the
// parameters by SGD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

namespace tapeloop::benchmarks {

using Index = std::int64_t;

// Cache-line alignment gives every contender the same, best start.
template <class T>
struct AlignedAllocator {
    using value_type = T;
    static constexpr std::align_val_t alignment{64};

    AlignedAllocator() = default;
    template <class Other>
    explicit AlignedAllocator(const AlignedAllocator<Other>&) {}

    T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), alignment)); }
    void deallocate(T* block, std::size_t) { ::operator delete(block, alignment); }
    template <class Other>
    bool operator==(const AlignedAllocator<Other>&) const {
        return true;
    }
};

using Floats = std::vector<float, AlignedAllocator<float>>;

enum class CellKind { elman, gru, lstm };

std::string name_of(CellKind cell);
Index gate_count(CellKind cell);

struct Size {
    Index steps;   // T
    Index batch;   // B
    Index hidden;  // H, and the width of the input as well
};

// The equations are those of PyTorch for row vectors. Gates are packed side by side: input, forget,
// candidate, output for the LSTM; update, reset, candidate for the GRU, whose reset gate multiplies the
// recurrent product:
//     n = tanh(x U_n + b_n + r * (h W_n + b_recurrent)),  h' = (1 - z) * n + z * h.
struct Problem {
    CellKind cell;
    Size size;
    Floats x;            // [T, B, H]
    Floats U;            // [H, G * H]
    Floats W;            // [H, G * H]
    Floats b;            // [G * H]
    Floats b_recurrent;  // [H] for the GRU, otherwise empty
};

// Parameters are uniform in +-1/sqrt(H), inputs in +-1; the same numbers on every machine.
Problem make_problem(CellKind cell, Size size, std::uint32_t seed = 1);

struct Results {
    double loss = 0;
    Floats dX, dU, dW, db, db_recurrent;  // shaped like what they are gradients of
};

class Contender {
  public:
    Contender() = default;
    Contender(const Contender&) = delete;
    Contender& operator=(const Contender&) = delete;
    virtual ~Contender() = default;

    // One whole training step. A learning rate of 0 keeps the parameters.
    virtual void step(float learning_rate) = 0;

    // Loss and gradients of the latest step, taken before its update.
    virtual Results results() const = 0;
};

// The largest difference between two results, each array relative to its largest magnitude; infinite if
// shapes differ.
struct Difference {
    double value;
    std::string where;
};
Difference largest_difference(const Results& reference, const Results& other);

// The learning rate at which one SGD step lowers the loss by about a tenth: large enough to see a wrong
// update.
float visible_learning_rate(const Results& results);

}  // namespace tapeloop::benchmarks
