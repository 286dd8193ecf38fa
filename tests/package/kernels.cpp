// The lowest room alone: nothing of it lies in those above.
#include <autograd/shape.hpp>

int main() { return tapeloop::Shape({2, 3}).with(0, 4).size() == 12 ? 0 : 1; }
