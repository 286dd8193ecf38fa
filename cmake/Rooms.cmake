# A room of the library is a folder with one topic and a small static library of its own, so that a program builds what it
# links. `tapeloop::tapeloop` is the sum of those that are always built.

# What is not ours and is in nearly every source, parsed once. It is compiled by a target of its own, because all who
# use it must have the same flags.
function(tapeloop_parsed_once target)
  add_library(${target} OBJECT ${PROJECT_SOURCE_DIR}/cmake/parsed_once.cpp)
  target_link_libraries(${target} PRIVATE tapeloop_flags xtensor xsimd fmt::fmt)
  target_compile_options(${target} PRIVATE ${ARGN})
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  tapeloop_warnings(${target})
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <cmath> <cstdint> <functional> <limits> <map> <memory> <numeric> <optional> <span> <stdexcept> <string>
    <string_view> <tuple> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <fmt/ranges.h> <xtensor/xarray.hpp> <xsimd/xsimd.hpp>)
endfunction()
tapeloop_parsed_once(tapeloop_parsed_once)
# A build without optimisation may optimise what computes all the same, which then needs headers parsed for that.
set(TAPELOOP_COMPUTES "" CACHE STRING "Options for the rooms that compute only, such as -O1")
if(TAPELOOP_COMPUTES)
  tapeloop_parsed_once(tapeloop_parsed_once_for_computing ${TAPELOOP_COMPUTES})
endif()

set(TAPELOOP_ROOMS "")

# tapeloop_room(name [DESCRIBES] FOLDERS folder... [FILES source...] [USES target...])
#
# The library `tapeloop::<name>` of the sources that lie directly in the folders, and of single ones, which no later room has.
# A room that DESCRIBES works on graphs and texts, and lets other rooms compute; an optimised build compiles it at -O1, in half
# the time.
function(tapeloop_room name)
  cmake_parse_arguments(room "OPTIONAL;DESCRIBES" "" "FOLDERS;FILES;USES" ${ARGN})
  list(TRANSFORM room_FILES PREPEND ${PROJECT_SOURCE_DIR}/)
  get_property(placed GLOBAL PROPERTY tapeloop_placed)
  set_property(GLOBAL APPEND PROPERTY tapeloop_placed ${room_FILES})
  set(sources ${room_FILES})
  foreach(folder IN LISTS room_FOLDERS)
    file(GLOB here CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
    if(placed)
      list(REMOVE_ITEM here ${placed})
    endif()
    list(APPEND sources ${here})
  endforeach()
  set(target tapeloop_${name})
  add_library(${target} ${sources})
  add_library(tapeloop::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF EXPORT_NAME ${name} UNITY_BUILD_BATCH_SIZE 8)
  target_link_libraries(${target} PUBLIC tapeloop_flags xtensor xsimd fmt::fmt ${room_USES})
  tapeloop_warnings(${target})
  if(room_DESCRIBES)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-O1>)
  endif()
  if(TAPELOOP_COMPUTES AND NOT room_DESCRIBES)
    target_compile_options(${target} PRIVATE ${TAPELOOP_COMPUTES})
    target_precompile_headers(${target} REUSE_FROM tapeloop_parsed_once_for_computing)
  else()
    target_precompile_headers(${target} REUSE_FROM tapeloop_parsed_once)
  endif()
  if(NOT room_OPTIONAL)
    set(TAPELOOP_ROOMS ${TAPELOOP_ROOMS} ${target} PARENT_SCOPE)
  endif()
endfunction()
