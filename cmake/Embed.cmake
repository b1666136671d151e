# mams_embed(TARGET FILES...): what a program serves as it is, as octets in its sources.  For each
# FILE "page/style.css" there are mams_file_style_css[] and mams_file_style_css_len, declared by the
# user.
function(mams_embed target)
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME)
    string(MAKE_C_IDENTIFIER ${name} id)
    file(READ ${file} octets HEX)
    string(LENGTH "${octets}" digits)
    math(EXPR len "${digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," octets "${octets}")
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${id}.c)
    file(CONFIGURE OUTPUT ${source} @ONLY CONTENT "#include <stddef.h>
extern const unsigned char mams_file_@id@[];
extern const size_t mams_file_@id@_len;
const unsigned char mams_file_@id@[] = {@octets@0};
const size_t mams_file_@id@_len = @len@;
")
    target_sources(${target} PRIVATE ${source})
  endforeach()
endfunction()
