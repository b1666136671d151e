# Configure and build the preset "fuzz", fuzz targets alone; run in the top folder.
foreach(step "--preset;fuzz" "--build;--preset;fuzz;--target;fuzz-targets")
  execute_process(COMMAND ${CMAKE_COMMAND} ${step} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "cmake ${step}: ${status}")
  endif()
endforeach()
