# Runs the program on NAME.json and compares what it prints, and its exit code, with NAME.txt.
execute_process(COMMAND ${program} ${name}.json
  WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}
  OUTPUT_VARIABLE printed
  ERROR_VARIABLE errors
  RESULT_VARIABLE code)
file(READ ${CMAKE_CURRENT_LIST_DIR}/${name}.txt expected)
set(actual "${errors}${printed}exit code ${code}\n")
if(NOT actual STREQUAL expected)
  message(FATAL_ERROR "expected:\n${expected}\nfound:\n${actual}")
endif()
