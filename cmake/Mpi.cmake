# tapeloop_mpi: training on several ranks, which needs MPI. Apart from the sum, so that who trains on one machine links none.
if(TAPELOOP_MPI STREQUAL "AUTO")
  find_package(MPI QUIET COMPONENTS CXX)
elseif(TAPELOOP_MPI)
  find_package(MPI REQUIRED COMPONENTS CXX)
endif()
if(NOT TAPELOOP_MPI OR NOT MPI_CXX_FOUND)
  return()
endif()

tapeloop_room(mpi OPTIONAL FOLDERS optim/mpi USES tapeloop_optim tapeloop_sequence)
target_link_libraries(tapeloop_mpi PRIVATE MPI::MPI_CXX)
# MPI's own C++ interface, which it has given up, is not needed.
target_compile_definitions(tapeloop_mpi PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
