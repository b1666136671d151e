# mams_library(NAME SOURCES... LIBS...): one static library per floor or program core.
function(mams_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC ${A_LIBS})
endfunction()

# mams_man(PAGE...): manual pages of docs/man, each into its section.
function(mams_man)
  foreach(page ${ARGN})
    string(REGEX MATCH "[1-8]$" section ${page})
    install(FILES ${CMAKE_SOURCE_DIR}/docs/man/${page}
      DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
endfunction()

# mams_daemon(NAME [TOOL] SOURCES... LIBS...): an installed program that knows its version, with its
# manual.  A TOOL is for everybody.
function(mams_daemon name)
  cmake_parse_arguments(A "TOOL" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/gen)
  target_link_libraries(${name} PRIVATE ${A_LIBS})
  if(A_TOOL)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    mams_man(${name}.1)
  else()
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
    mams_man(${name}.8 ${name}.conf.5)
  endif()
endfunction()

# mams_unit(MODULE LIBS...): tests/unit/test_MODULE.c as CTest "unit.MODULE".
function(mams_unit module)
  cmake_parse_arguments(A "" "" "LIBS;SOURCES" ${ARGN})
  add_executable(test_${module} ${CMAKE_SOURCE_DIR}/tests/unit/test_${module}.c ${A_SOURCES})
  target_link_libraries(test_${module} PRIVATE ${A_LIBS} mams_testsupport cunit)
  add_test(NAME unit.${module} COMMAND test_${module})
  set_tests_properties(unit.${module} PROPERTIES TIMEOUT 240 LABELS unit)
endfunction()

# mams_fuzz(TARGET LIBS... SOURCES...): tests/fuzz/fuzz_TARGET.c.  With MAMS_FUZZ a libFuzzer binary;
# otherwise tests/fuzz/main.c replays tests/fuzz/corpus/TARGET with any compiler, as CTest
# "fuzz.TARGET", and "fuzz.run.TARGET" runs the libFuzzer binary for a while.
function(mams_fuzz target)
  cmake_parse_arguments(A "" "" "LIBS;SOURCES" ${ARGN})
  set(src ${CMAKE_SOURCE_DIR}/tests/fuzz)
  if(MAMS_FUZZ)
    add_executable(fuzz_${target} ${src}/fuzz_${target}.c ${A_SOURCES})
    target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz-targets fuzz_${target})
  else()
    add_executable(fuzz_${target} ${src}/fuzz_${target}.c ${src}/main.c ${A_SOURCES})
    add_test(NAME fuzz.${target} COMMAND fuzz_${target} ${src}/corpus/${target})
    set_tests_properties(fuzz.${target} PROPERTIES TIMEOUT 120 LABELS fuzz)
    # the libFuzzer build lies at the same place below its own folder
    file(RELATIVE_PATH at ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR})
    add_test(NAME fuzz.run.${target}
      COMMAND ${src}/run ${CMAKE_SOURCE_DIR}/build/fuzz/${at}/fuzz_${target})
    # never more of them at once than there are cores, however many tests run
    cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
    get_property(n GLOBAL PROPERTY mams_fuzz_targets)
    math(EXPR n "0${n} + 1")
    math(EXPR lane "${n} % ${cores}")
    set_property(GLOBAL PROPERTY mams_fuzz_targets ${n})
    set_tests_properties(fuzz.run.${target} PROPERTIES TIMEOUT 700 LABELS "fuzz-run;slow"
      FIXTURES_REQUIRED fuzz-build RESOURCE_LOCK fuzz-lane-${lane})
  endif()
  target_link_libraries(fuzz_${target} PRIVATE ${A_LIBS})
endfunction()
