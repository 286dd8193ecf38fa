# The project's own code compiles without a warning, on g++ and on clang++.
function(tapeloop_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $<$<BOOL:${TAPELOOP_WERROR}>:-Werror>)
endfunction()
