# Which headers are public, read from the headers themselves: the umbrella headers and what they name. What those include
# besides is detail.
#
#   TAPELOOP_PUBLIC_HEADERS, TAPELOOP_DETAIL_HEADERS   paths from the project's folder

set(umbrellas autograd/autograd.hpp autograd/ops/elementary.hpp autograd/check/check.hpp autograd/study/study.hpp
  nn/nn.hpp nn/check/check.hpp nn/files/files.hpp nn/files/onnx/onnx.hpp nn/study/study.hpp nn/losses/losses.hpp optim/optim.hpp
  optim/mpi/mpi.hpp)
# Beside the umbrellas, because they need a test framework.
set(TAPELOOP_FRAMEWORK_HEADERS "")
foreach(framework doctest gtest catch2)
  list(APPEND TAPELOOP_FRAMEWORK_HEADERS autograd/check/${framework}.hpp nn/check/${framework}.hpp)
endforeach()
set(TAPELOOP_PUBLIC_HEADERS ${TAPELOOP_FRAMEWORK_HEADERS} autograd/check/test_macros.hpp nn/check/test_macros.hpp)

function(tapeloop_included header result)
  file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include <(autograd|nn|optim)/")
  list(TRANSFORM lines REPLACE "^#include <([^>]+)>.*" "\\1")
  set(${result} ${lines} PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
endfunction()

foreach(umbrella IN LISTS umbrellas)
  tapeloop_included(${umbrella} named)
  list(APPEND TAPELOOP_PUBLIC_HEADERS ${umbrella} ${named})
endforeach()
list(REMOVE_DUPLICATES TAPELOOP_PUBLIC_HEADERS)

set(TAPELOOP_DETAIL_HEADERS "")
set(open ${TAPELOOP_PUBLIC_HEADERS})
while(open)
  list(POP_FRONT open header)
  tapeloop_included(${header} needed)
  foreach(one IN LISTS needed)
    if(NOT one IN_LIST TAPELOOP_PUBLIC_HEADERS AND NOT one IN_LIST TAPELOOP_DETAIL_HEADERS)
      list(APPEND TAPELOOP_DETAIL_HEADERS ${one})
      list(APPEND open ${one})
    endif()
  endforeach()
endwhile()
