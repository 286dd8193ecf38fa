# The project's own code compiles without a warning, on g++ and on clang++.
function(tapeloop_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $<$<BOOL:${TAPELOOP_WERROR}>:-Werror>
    # Three that g++ 12 gives wrongly: about std::string (GCC bug 105651) and about xtensor's sort.
    # And one that takes a source which is compiled together with others for a header.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds>)
endfunction()
