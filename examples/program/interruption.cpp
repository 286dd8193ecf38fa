#include "interruption.hpp"

#include <csignal>

namespace program {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

Interruption::Interruption() {
    interrupted = 0;
    struct sigaction once {};
    once.sa_handler = [](int) { interrupted = 1; };
    once.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    sigaction(SIGINT, &once, nullptr);
}

Interruption::~Interruption() { std::signal(SIGINT, SIG_DFL); }

bool Interruption::asked() const { return interrupted != 0; }

}  // namespace program
