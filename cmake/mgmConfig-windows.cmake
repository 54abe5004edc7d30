# In the package for Windows, find_package(mgm 1) defines the targets
#   mgm::mgm     mgm.dll, which must be in a directory where the program finds it
#   mgm::win32   an empty target: Windows has the headers itself. A project that links
#                mgm::win32 on Linux needs no condition for Windows.
# There is no target mgm::static.
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
