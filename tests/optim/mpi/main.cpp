// Every rank runs every test case: what ranks do together they do in the same order.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "ranks.hpp"

namespace {

tapeloop::optim::Ranks* of_the_run = nullptr;

}  // namespace

tapeloop::optim::Ranks& tapeloop::test::ranks() { return *of_the_run; }

int main(int count, char** arguments) {
    tapeloop::optim::Ranks ranks;
    of_the_run = &ranks;
    return doctest::Context(count, arguments).run();
}
