# What makes find_package(tapeloop) work for other projects.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tapeloop)

install(TARGETS tapeloop tapeloop_flags ${TAPELOOP_ROOMS} EXPORT tapeloopTargets)
if(TARGET tapeloop_study)
  install(TARGETS tapeloop_study EXPORT tapeloopTargets)
endif()
install(EXPORT tapeloopTargets NAMESPACE tapeloop:: DESTINATION ${package_dir})
foreach(folder autograd nn optim)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION include/tapeloop
    FILES_MATCHING PATTERN "*.hpp"
    PATTERN "study/page" EXCLUDE)  # not for users: the page's writer
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tapeloopConfig.cmake.in
  ${PROJECT_BINARY_DIR}/tapeloopConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tapeloopConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/tapeloopConfig.cmake ${PROJECT_BINARY_DIR}/tapeloopConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindOneDNN.cmake
  DESTINATION ${package_dir})
