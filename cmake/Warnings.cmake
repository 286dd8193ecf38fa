# The project's own code compiles without a warning, on g++ and on clang++.
function(tapeloop_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $<$<BOOL:${TAPELOOP_WERROR}>:-Werror>
    # Two that take the undefined lanes inside GCC 12's own AVX-512 intrinsics for uninitialised variables (GCC bug 105593).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-uninitialized -Wno-maybe-uninitialized>
    # And one that takes a source which is compiled together with others for a header.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
    # Three that g++ 12 gives wrongly: about std::string (GCC bug 105651) and about xtensor's sort.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds>)
endfunction()
