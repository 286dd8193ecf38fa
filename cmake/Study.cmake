# tapeloop_study: the library that writes the study page. It is one of its own, so that who does not use it links no JSON.
if(TAPELOOP_STUDY STREQUAL "AUTO")
  find_package(nlohmann_json QUIET)
elseif(TAPELOOP_STUDY)
  find_package(nlohmann_json REQUIRED)
endif()
if(NOT TAPELOOP_STUDY OR NOT nlohmann_json_FOUND)
  return()
endif()

set(page_folder ${PROJECT_SOURCE_DIR}/autograd/study/page/web)
set(embedded_page ${PROJECT_BINARY_DIR}/study_page.cpp)
file(GLOB page_files CONFIGURE_DEPENDS ${page_folder}/*.html ${page_folder}/*.js ${page_folder}/language/*.js
  ${page_folder}/plots/*.js ${page_folder}/*.css ${page_folder}/*.txt)
add_custom_command(OUTPUT ${embedded_page}
  COMMAND ${CMAKE_COMMAND} -D folder=${page_folder} -D output=${embedded_page} -P ${CMAKE_CURRENT_LIST_DIR}/EmbedPage.cmake
  DEPENDS ${page_files} ${CMAKE_CURRENT_LIST_DIR}/EmbedPage.cmake ${CMAKE_CURRENT_LIST_DIR}/Embed.cmake
  COMMENT "Embedding the study page" VERBATIM)
set(playground_folder ${page_folder}/playground)
set(embedded_playground ${PROJECT_BINARY_DIR}/study_playground.cpp)
add_custom_command(OUTPUT ${embedded_playground}
  COMMAND ${CMAKE_COMMAND} -D folder=${playground_folder} -D output=${embedded_playground} -P ${CMAKE_CURRENT_LIST_DIR}/EmbedPlayground.cmake
  DEPENDS ${playground_folder}/play.css ${playground_folder}/library.js ${playground_folder}/library.LICENSES.txt ${playground_folder}/play.js
    ${CMAKE_CURRENT_LIST_DIR}/EmbedPlayground.cmake ${CMAKE_CURRENT_LIST_DIR}/Embed.cmake
  COMMENT "Embedding the study page's playground" VERBATIM)

tapeloop_room(page OPTIONAL DESCRIBES FOLDERS autograd/study/page USES tapeloop_explain tapeloop_play)
target_sources(tapeloop_page PRIVATE ${embedded_page} ${embedded_playground})
set_source_files_properties(${embedded_page} ${embedded_playground} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
target_link_libraries(tapeloop_page PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)

# All of the library, and the page.
add_library(tapeloop_study INTERFACE)
add_library(tapeloop::study ALIAS tapeloop_study)
set_target_properties(tapeloop_study PROPERTIES EXPORT_NAME study)
target_link_libraries(tapeloop_study INTERFACE tapeloop tapeloop_page)
