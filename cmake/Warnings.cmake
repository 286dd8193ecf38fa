# The project's own code compiles without a warning, on g++ and on clang++.
function(tapeloop_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $<$<BOOL:${TAPELOOP_WERROR}>:-Werror>
    # g++ 12 is wrong about std::string (GCC bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endfunction()
