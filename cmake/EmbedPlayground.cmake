# cmake -D folder=... -D output=... -P EmbedPlayground.cmake
# Makes a C++ source of what pages with a playground have besides: the style, the library with its licences, and the script
# of the sliders.
include(${CMAKE_CURRENT_LIST_DIR}/Embed.cmake)
foreach(name play.css library.LICENSES.txt library.js play.js)
  file(READ ${folder}/${name} text)
  if(name MATCHES "^play")
    shorten(text)
  endif()
  if(name MATCHES "txt$")
    string(APPEND playground "<script type=\"text/plain\">\n${text}</script>\n")
  elseif(name MATCHES "css$")
    string(APPEND playground "<style>\n${text}</style>\n")
  else()
    string(APPEND playground "<script>\n${text}</script>\n")
  endif()
endforeach()
embed(playground "${playground}" ${output})
