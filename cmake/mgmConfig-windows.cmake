# find_package(mgm) with the package for Windows: the target mgm::mgm. The DLL in
# bin has to lie where the program finds it.
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
unset(_mgm_prefix)
