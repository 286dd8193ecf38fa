# `cmake --build build --target docs`: the reference of the public names, by room, behind the guide pages, in build/docs/html.
# A public function or type without a comment is a warning, and a warning is an error: see docs_filter.awk.
find_package(Doxygen)
if(NOT DOXYGEN_FOUND)
  return()
endif()

# How to read the engine is a part of CONTRIBUTING.md, and a page of its own here.
file(READ ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md contributing)
string(REGEX MATCH "\n## How to read the engine[^\n]*\n" heading "${contributing}")
string(FIND "${contributing}" "${heading}" begin)
string(SUBSTRING "${contributing}" ${begin} -1 reading)
string(REGEX REPLACE "^\n##" "#" reading "${reading}")
string(REGEX REPLACE "\n## .*" "\n" reading "${reading}")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/docs/reading.md CONTENT "${reading}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md)

set(DOXYGEN_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/docs)
set(DOXYGEN_PROJECT_NAME tapeloop)
set(DOXYGEN_PROJECT_NUMBER ${PROJECT_VERSION})
set(DOXYGEN_PROJECT_BRIEF ${PROJECT_DESCRIPTION})
set(DOXYGEN_USE_MDFILE_AS_MAINPAGE ${PROJECT_SOURCE_DIR}/README.md)
set(DOXYGEN_INPUT_FILTER "awk -f ${CMAKE_CURRENT_LIST_DIR}/docs_filter.awk")
set(DOXYGEN_STRIP_FROM_PATH ${PROJECT_SOURCE_DIR})
set(DOXYGEN_STRIP_FROM_INC_PATH ${PROJECT_SOURCE_DIR})
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
set(DOXYGEN_QUIET YES)
set(DOXYGEN_GENERATE_LATEX NO)
set(DOXYGEN_HAVE_DOT NO)
set(DOXYGEN_CLASS_GRAPH NO)
set(DOXYGEN_VERBATIM_HEADERS NO)
set(DOXYGEN_JAVADOC_AUTOBRIEF YES)
set(DOXYGEN_HIDE_SCOPE_NAMES YES)
set(DOXYGEN_SHOW_FILES NO)
set(DOXYGEN_SHOW_NAMESPACES NO)
set(DOXYGEN_SORT_MEMBER_DOCS NO)
set(DOXYGEN_GENERATE_TREEVIEW YES)
set(DOXYGEN_DISABLE_INDEX YES)
set(DOXYGEN_TOC_INCLUDE_HEADINGS 0)
doxygen_add_docs(docs
  README.md examples/README.md examples/labs/README.md CONTRIBUTING.md ${PROJECT_BINARY_DIR}/docs/reading.md
  cmake/rooms.dox ${TAPELOOP_PUBLIC_HEADERS}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} COMMENT "Writing the reference to docs/html")
