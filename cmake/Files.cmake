# tapeloop_files: weights and states in files, the sum of the rooms below, so that who does not use it links no JSON and no zip.
if(TAPELOOP_FILES STREQUAL "AUTO")
  find_package(nlohmann_json QUIET)
elseif(TAPELOOP_FILES)
  find_package(nlohmann_json REQUIRED)
endif()
if(NOT TAPELOOP_FILES OR NOT nlohmann_json_FOUND)
  return()
endif()

tapeloop_room(array_files OPTIONAL FOLDERS nn/files USES tapeloop_sequence)
target_link_libraries(tapeloop_array_files PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)

# tapeloop_npz: NumPy's archives, which need libzip. Debian's CMake package of it asks for programs that come apart from it.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(LIBZIP QUIET IMPORTED_TARGET libzip>=1.7)
endif()
if(LIBZIP_FOUND)
  tapeloop_room(npz OPTIONAL FOLDERS nn/files/npz USES tapeloop_array_files)
  target_link_libraries(tapeloop_npz PRIVATE $<BUILD_INTERFACE:PkgConfig::LIBZIP> $<INSTALL_INTERFACE:zip>)
else()
  message(STATUS "Files: libzip is missing, npz is left out")
endif()

# Parameters to and from files, also under the names and in the layouts of other libraries.
tapeloop_room(weights OPTIONAL FOLDERS nn/files/weights USES tapeloop_array_files)
if(TARGET tapeloop_npz)
  target_compile_definitions(tapeloop_weights PRIVATE TAPELOOP_HAS_NPZ)
  target_link_libraries(tapeloop_weights PUBLIC tapeloop_npz)
endif()
tapeloop_room(naming OPTIONAL DESCRIBES FOLDERS nn/files/naming
  USES tapeloop_weights tapeloop_cells tapeloop_cell_variants tapeloop_layers tapeloop_wrappers)

# All that a training needs to go on, in one file.
tapeloop_room(checkpoint OPTIONAL FOLDERS nn/files/checkpoint USES tapeloop_array_files tapeloop_optim)

set(TAPELOOP_FILE_ROOMS tapeloop_array_files tapeloop_weights tapeloop_naming tapeloop_checkpoint)
if(TARGET tapeloop_npz)
  list(APPEND TAPELOOP_FILE_ROOMS tapeloop_npz)
endif()
add_library(tapeloop_files INTERFACE)
add_library(tapeloop::files ALIAS tapeloop_files)
set_target_properties(tapeloop_files PROPERTIES EXPORT_NAME files)
target_link_libraries(tapeloop_files INTERFACE ${TAPELOOP_FILE_ROOMS})

# tapeloop_onnx: models for others to run, which needs ONNX and protobuf. Apart from the sum, so that who reads weights links
# neither.
find_package(ONNX QUIET CONFIG)
find_package(Protobuf QUIET)
if(ONNX_FOUND AND Protobuf_FOUND)
  tapeloop_room(onnx OPTIONAL DESCRIBES FOLDERS nn/files/onnx USES tapeloop_naming)
  target_link_libraries(tapeloop_onnx PRIVATE $<BUILD_INTERFACE:onnx> $<BUILD_INTERFACE:protobuf::libprotobuf>
    $<INSTALL_INTERFACE:onnx> $<INSTALL_INTERFACE:onnx_proto> $<INSTALL_INTERFACE:protobuf>)
  list(APPEND TAPELOOP_FILE_ROOMS tapeloop_onnx)
else()
  message(STATUS "Files: ONNX or protobuf is missing, the export of models is left out")
endif()
