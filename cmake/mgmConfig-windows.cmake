# find_package(mgm 1) with the package for Windows gives the targets
#   mgm::mgm     mgm.dll; it has to lie where the program finds it
#   mgm::win32   nothing: Windows has its headers itself, and what is linked with this
#                on Linux need not ask where it is
# There is no mgm::static.
get_filename_component(_mgm_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET mgm::mgm)
  add_library(mgm::mgm SHARED IMPORTED)
  set_target_properties(mgm::mgm PROPERTIES
    IMPORTED_LOCATION "${_mgm_prefix}/bin/mgm.dll"
    INTERFACE_INCLUDE_DIRECTORIES "${_mgm_prefix}/include")
  if(MSVC)
    set_target_properties(mgm::mgm PROPERTIES IMPORTED_IMPLIB "${_mgm_prefix}/lib/mgm.lib")
  else()
    set_target_properties(mgm::mgm PROPERTIES IMPORTED_IMPLIB "${_mgm_prefix}/lib/libmgm.dll.a")
  endif()
endif()
if(NOT TARGET mgm::win32)
  add_library(mgm::win32 INTERFACE IMPORTED)
endif()
unset(_mgm_prefix)
