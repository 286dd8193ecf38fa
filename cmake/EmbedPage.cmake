# cmake -D folder=... -D output=... -P EmbedPage.cmake
# Makes a C++ source of the study page: page.html with every mark {{file}} replaced by that file of the folder. Marks that
# are no files are left for the writer to fill in.

include(${CMAKE_CURRENT_LIST_DIR}/Embed.cmake)
file(READ ${folder}/page.html page)
file(GLOB files RELATIVE ${folder} ${folder}/*.js ${folder}/language/*.js ${folder}/plots/*.js ${folder}/*.css ${folder}/*.txt)
foreach(name ${files})
  string(FIND "${page}" "{{${name}}}" mark)
  if(mark EQUAL -1)
    message(FATAL_ERROR "${folder}/${name} is not part of page.html: add {{${name}}} there, or remove the file")
  endif()
  file(READ ${folder}/${name} text)
  if(name MATCHES "\\.(js|css)$")
    shorten(text)
  endif()
  if(name MATCHES "\\.txt$")
    string(REPLACE "&" "&amp;" text "${text}")
    string(REPLACE "<" "&lt;" text "${text}")
  endif()
  string(REPLACE "{{${name}}}" "${text}" page "${page}")
endforeach()

embed(page "${page}" ${output})
