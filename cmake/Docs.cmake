# `cmake --build build --target docs`: the reference of the public names, by room, behind the guide pages, in build/docs/html.
# A public name without a comment is a warning, and a warning is an error.
find_package(Doxygen)
if(NOT DOXYGEN_FOUND)
  return()
endif()

set(DOXYGEN_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/docs)
set(DOXYGEN_PROJECT_NAME tapeloop)
set(DOXYGEN_PROJECT_NUMBER ${PROJECT_VERSION})
set(DOXYGEN_PROJECT_BRIEF ${PROJECT_DESCRIPTION})
set(DOXYGEN_USE_MDFILE_AS_MAINPAGE README.md)
set(DOXYGEN_EXCLUDE_SYMBOLS detail detail::* *::detail *::detail::* xt xt::*)
set(DOXYGEN_FILTER_PATTERNS "*.hpp=\"awk -f ${CMAKE_CURRENT_LIST_DIR}/docs_filter.awk\"")
set(DOXYGEN_FULL_PATH_NAMES YES)
set(DOXYGEN_STRIP_FROM_PATH ${PROJECT_SOURCE_DIR})
set(DOXYGEN_STRIP_FROM_INC_PATH ${PROJECT_SOURCE_DIR})
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
set(DOXYGEN_QUIET YES)
set(DOXYGEN_GENERATE_LATEX NO)
set(DOXYGEN_JAVADOC_AUTOBRIEF YES)
doxygen_add_docs(docs ${TAPELOOP_PUBLIC_HEADERS} README.md CONTRIBUTING.md examples/README.md examples/labs/README.md
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} COMMENT "Writing the reference to docs/html")
