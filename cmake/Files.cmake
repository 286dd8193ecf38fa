# tapeloop_files: weights and states in files. A library of its own, so that who does not use it links no JSON and no zip.
if(TAPELOOP_FILES STREQUAL "AUTO")
  find_package(nlohmann_json QUIET)
elseif(TAPELOOP_FILES)
  find_package(nlohmann_json REQUIRED)
endif()
if(NOT TAPELOOP_FILES OR NOT nlohmann_json_FOUND)
  return()
endif()

tapeloop_room(files OPTIONAL FOLDERS nn/files USES tapeloop_sequence)
target_link_libraries(tapeloop_files PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)

# The names and layouts of other libraries for the cells and layers of this one.
tapeloop_room(naming OPTIONAL FOLDERS nn/files/naming USES tapeloop_files tapeloop_cells tapeloop_cell_variants tapeloop_layers tapeloop_wrappers)
