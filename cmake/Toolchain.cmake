# Warnings, sanitizers, hardening, version.  One place for every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_definitions(_GNU_SOURCE)
include_directories(${CMAKE_SOURCE_DIR})
add_compile_options(
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual
  -Wformat=2 -Wvla -Wswitch-enum -Wundef -Wimplicit-fallthrough -Wwrite-strings -Wconversion
  -Wno-sign-conversion -Wno-missing-field-initializers)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT MAMS_SANITIZE)
  add_compile_options(-Wnull-dereference)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wno-implicit-fallthrough) # which gcc sees; clang finds it in uthash's macros
endif()
if(MAMS_WERROR)
  add_compile_options(-Werror)
endif()

if(MAMS_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
  if(NOT MAMS_SANITIZE)
    set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_EXE_LINKER_FLAGS} -pie")
  endif()
endif()
if(MAMS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# MAMS_RELEASE: what a package calls itself; else the commit tells which one it is.
set(MAMS_VERSION ${PROJECT_VERSION})
if(MAMS_RELEASE)
  set(MAMS_VERSION ${MAMS_RELEASE})
else()
  execute_process(COMMAND git describe --always --dirty
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE commit
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(commit)
    string(APPEND MAMS_VERSION "+${commit}")
  endif()
endif()
# Written only when it changes, so a commit does not rebuild the world.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/mams_version.h
  CONTENT "#pragma once\n#define MAMS_VERSION \"${MAMS_VERSION}\"\n")
