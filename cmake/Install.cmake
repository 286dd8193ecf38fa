# What makes find_package(tapeloop) work for other projects.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
include(Headers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tapeloop)

install(TARGETS tapeloop tapeloop_flags ${TAPELOOP_ROOMS} EXPORT tapeloopTargets)
if(TARGET tapeloop_study)
  install(TARGETS tapeloop_study tapeloop_page EXPORT tapeloopTargets)
endif()
if(TARGET tapeloop_files)
  install(TARGETS tapeloop_files ${TAPELOOP_FILE_ROOMS} EXPORT tapeloopTargets)
endif()
if(TARGET tapeloop_mpi)
  install(TARGETS tapeloop_mpi EXPORT tapeloopTargets)
endif()
install(EXPORT tapeloopTargets NAMESPACE tapeloop:: DESTINATION ${package_dir})

# What a user includes, and apart from it what that needs and nobody else should name.
foreach(header IN LISTS TAPELOOP_PUBLIC_HEADERS)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION include/tapeloop/${folder})
endforeach()
foreach(header IN LISTS TAPELOOP_DETAIL_HEADERS)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION include/tapeloop/detail/${folder})
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tapeloopConfig.cmake.in
  ${PROJECT_BINARY_DIR}/tapeloopConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tapeloopConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/tapeloopConfig.cmake ${PROJECT_BINARY_DIR}/tapeloopConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindOneDNN.cmake
  DESTINATION ${package_dir})
