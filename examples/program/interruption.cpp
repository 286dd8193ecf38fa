#include "interruption.hpp"

#include <array>
#include <csignal>
#include <cstddef>

namespace program {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// The kernel writes a signal's frame at the stack pointer. With oneDNN's generated code running, that broke
// one run in ten: a heap block of its products was overwritten. On a stack of its own the frame harms nobody.
std::array<std::byte, 65'536> stack_of_signals;

}  // namespace

Interruption::Interruption() {
    interrupted = 0;
    stack_t stack{};
    stack.ss_sp = stack_of_signals.data();
    stack.ss_size = stack_of_signals.size();
    sigaltstack(&stack, nullptr);
    struct sigaction once {};
    once.sa_handler = [](int) { interrupted = 1; };
    once.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART | SA_ONSTACK;
    sigaction(SIGINT, &once, nullptr);
}

Interruption::~Interruption() { std::signal(SIGINT, SIG_DFL); }

bool Interruption::asked() const { return interrupted != 0; }

}  // namespace program
