# SPDX-License-Identifier: MIT
#
# quire-config.cmake - what find_package(quire) finds after `make install`: quire::quire
#
# The place is told by where this file lies, so the installed tree may be moved.
# (CMake writes its own such file when it builds and installs.)
get_filename_component(quire_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET quire::quire)
  add_library(quire::quire STATIC IMPORTED)
  set_target_properties(quire::quire PROPERTIES
    IMPORTED_LOCATION "${quire_prefix}/lib/libquire.a"
    INTERFACE_INCLUDE_DIRECTORIES "${quire_prefix}/include"
    INTERFACE_LINK_OPTIONS "-Wl,--gc-sections")
endif()
unset(quire_prefix)
