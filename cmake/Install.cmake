# The rules for "cmake --install". No installed file contains an absolute path, except the unit for
# systemd, so the installation can be moved, or staged with DESTDIR.
include(CMakePackageConfigHelpers)

install(PROGRAMS ${MGM_SHARED_FILES} DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${MGM_STATIC_FILE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(PROGRAMS ${MGM_CONTROL_FILES} DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(PROGRAMS "${MGM_ADAPTER_LIBRARY}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(PROGRAMS "${MGM_ADAPTER_PROGRAM}" DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(PROGRAMS "${MGM_ROUTER_FILE}" DESTINATION "${CMAKE_INSTALL_SBINDIR}")

file(GLOB _headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.h"
  "${PROJECT_SOURCE_DIR}/include/*.hpp")
install(FILES ${_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(EXISTS "${PROJECT_SOURCE_DIR}/include/win32")
  # These headers are in a directory of their own: with a windows.h in the include
  # directory of the system, many configure scripts would detect Windows.
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/win32/"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/mgm/win32" FILES_MATCHING PATTERN "*.h")
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/man/man1" "${PROJECT_SOURCE_DIR}/man/man3"
  "${PROJECT_SOURCE_DIR}/man/man5" "${PROJECT_SOURCE_DIR}/man/man7" "${PROJECT_SOURCE_DIR}/man/man8"
  DESTINATION "${CMAKE_INSTALL_MANDIR}")

# What the shells load by itself when "mgmctl" is typed.
set(_completions "${PROJECT_SOURCE_DIR}/crates/mgmctl/completions")
install(FILES "${_completions}/mgmctl.bash" RENAME mgmctl
  DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions")
install(FILES "${_completions}/_mgmctl"
  DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/zsh/site-functions")
install(FILES "${_completions}/mgmctl.fish"
  DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d")

# The configurations of mgmd, which must not replace one that an administrator has written.
set(_router_dir "${PROJECT_SOURCE_DIR}/crates/mgmd")
install(DIRECTORY "${_router_dir}/examples/" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/mgmd/examples")
install(FILES "${_router_dir}/service/mgmd.toml" "${_router_dir}/service/ebpf.conf"
    "${_router_dir}/service/daemons.conf"
  DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/mgmd/examples")
# systemd reads units only below these prefixes. Nothing enables or starts the unit.
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
  set(MGMD "${CMAKE_INSTALL_FULL_SBINDIR}/mgmd")
  set(MGMCTL "${CMAKE_INSTALL_FULL_BINDIR}/mgmctl")
  configure_file("${_router_dir}/service/mgmd.service.in" mgmd.service @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/mgmd.service" DESTINATION lib/systemd/system)
  install(FILES "${_router_dir}/service/mgmd.sysusers" DESTINATION lib/sysusers.d RENAME mgmd.conf)
endif()

# mgm.pc derives the prefix from its own location.
set(_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  # Absolute directories do not depend on the prefix and cannot be moved.
  set(MGM_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(MGM_PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(MGM_PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH _up "/${_pc_dir}" "/")
  string(REGEX REPLACE "/$" "" _up "${_up}")
  set(MGM_PC_PREFIX "\${pcfiledir}/${_up}")
  set(MGM_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(MGM_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
list(JOIN MGM_PRIVATE_LIBS " " MGM_PC_LIBS_PRIVATE)
configure_file(cmake/mgm.pc.in mgm.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/mgm.pc" DESTINATION "${_pc_dir}")

set(_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mgm")
configure_package_config_file(cmake/mgmConfig.cmake.in mgmConfig.cmake
  INSTALL_DESTINATION "${_cmake_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
set(MGM_VERSION_FILE "${PROJECT_BINARY_DIR}/mgmConfigVersion.cmake")
include(cmake/PackageVersion.cmake)
install(FILES "${PROJECT_BINARY_DIR}/mgmConfig.cmake" "${MGM_VERSION_FILE}"
  DESTINATION "${_cmake_dir}")
