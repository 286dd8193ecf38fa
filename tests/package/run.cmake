# Installs the library that was built in `build` and has an outside project find it, build with it and run.
set(place ${build}/package)
file(REMOVE_RECURSE ${place})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${build} --config ${config} --prefix ${place}/installed)
run(${CMAKE_COMMAND} -S ${source} -B ${place}/outside -G ${generator}
  -D CMAKE_PREFIX_PATH=${place}/installed -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_CXX_FLAGS=${flags}
  -D CMAKE_BUILD_TYPE=${config})
run(${CMAKE_COMMAND} --build ${place}/outside --config ${config})
run(${place}/outside/outside)
run(${place}/outside/outside_kernels)
if(study)
  run(${place}/outside/outside_study)
endif()
if(onnx)
  run(${place}/outside/outside_onnx)
endif()
if(mpi)
  # What an MPI library leaves allocated at its end is no leak of ours.
  run(${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 ${place}/outside/outside_mpi)
endif()
