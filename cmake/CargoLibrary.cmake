# Builds the crate with cargo and defines targets for the results.
#
# Defines: mgm_cargo              custom target that runs cargo
#          mgm::mgm, mgm::static  libraries for other targets of the same build
#          MGM_SHARED_FILES       libmgm.so.1.0.0 and its two links, to be installed
#          MGM_STATIC_FILE        libmgm.a, to be installed
#          MGM_ROUTER_FILE        mgmd, to be installed
#          MGM_CONTROL_FILES      mgmctl, and the link mgmtop to it, to be installed
#          MGM_ADAPTER_LIBRARY    libmgm-mroute.so, to be installed
#          MGM_ADAPTER_PROGRAM    mgm-run, to be installed
#          MGM_PRIVATE_LIBS       system libraries that a program linked with libmgm.a needs

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "the CMake build of mgm supports Linux only: use cargo build --release --package mgm")
endif()

# rustup installs cargo outside of the system path. Prefer it to the cargo of a
# distribution, which would use another rustc for the same target directory.
find_program(CARGO cargo HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin REQUIRED)
find_program(RUSTC rustc HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin REQUIRED)

# As the top-level project, mgm shares target/ with plain cargo. Inside another
# project it builds outside of its source tree, which may be read-only.
if(PROJECT_IS_TOP_LEVEL)
  set(_default_target_dir "${PROJECT_SOURCE_DIR}/target")
else()
  set(_default_target_dir "${PROJECT_BINARY_DIR}/cargo")
endif()
set(MGM_CARGO_TARGET_DIR "${_default_target_dir}" CACHE PATH "Where cargo builds")
set(MGM_RUST_TARGET "$ENV{CARGO_BUILD_TARGET}" CACHE STRING "Rust target triple, empty for the host's")

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(_cargo "${CARGO}")
  set(_cargo_options --profile dev)
  set(_artifacts debug)
else()
  # A release must not contain the directory names of the machine that built it.
  set(_cargo "${PROJECT_SOURCE_DIR}/scripts/cargo-trimmed")
  set(_cargo_options --profile release)
  set(_artifacts release)
endif()
if(MGM_RUST_TARGET)
  list(APPEND _cargo_options --target "${MGM_RUST_TARGET}")
  set(_artifacts "${MGM_RUST_TARGET}/${_artifacts}")
endif()
set(_artifacts "${MGM_CARGO_TARGET_DIR}/${_artifacts}")

# The libmgm.so of cargo has the SONAME libmgm.so.1, and programs load it by that
# name. So the build tree gets the same three names as an installed system.
set(_lib_dir "${PROJECT_BINARY_DIR}/lib")
set(_so "libmgm.so")
set(_soname "libmgm.so.${PROJECT_VERSION_MAJOR}")
set(_so_file "libmgm.so.${PROJECT_VERSION}")
set(MGM_SHARED_FILES "${_lib_dir}/${_so_file}" "${_lib_dir}/${_soname}" "${_lib_dir}/${_so}")
set(MGM_STATIC_FILE "${_lib_dir}/libmgm.a")
set(MGM_ROUTER_FILE "${PROJECT_BINARY_DIR}/bin/mgmd")
set(MGM_CONTROL_FILES "${PROJECT_BINARY_DIR}/bin/mgmctl" "${PROJECT_BINARY_DIR}/bin/mgmtop")
set(MGM_ADAPTER_LIBRARY "${_lib_dir}/libmgm-mroute.so")
set(MGM_ADAPTER_PROGRAM "${PROJECT_BINARY_DIR}/bin/mgm-run")
file(MAKE_DIRECTORY "${_lib_dir}" "${PROJECT_BINARY_DIR}/bin")

# This target always runs cargo, which itself checks what is out of date. cargo runs in
# the source tree, because it reads .cargo/config.toml there. MAKEFLAGS is unset,
# because otherwise cargo would wait for a job server that it cannot reach.
add_custom_target(mgm_cargo ALL
  COMMAND "${CMAKE_COMMAND}" -E env --unset=MAKEFLAGS --unset=MFLAGS
    "CARGO=${CARGO}" ${_cargo} build --package mgm --package mgmd --package mgmctl
    --package mgm-mroute --lib --bin mgmd --bin mgmctl --bin mgm-run --locked ${_cargo_options}
    --target-dir "${MGM_CARGO_TARGET_DIR}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/libmgm.so" "${_lib_dir}/${_so_file}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink "${_so_file}" "${_lib_dir}/${_soname}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink "${_soname}" "${_lib_dir}/${_so}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/libmgm.a" "${MGM_STATIC_FILE}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/mgmd" "${MGM_ROUTER_FILE}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/mgmctl" "${PROJECT_BINARY_DIR}/bin/mgmctl"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink mgmctl "${PROJECT_BINARY_DIR}/bin/mgmtop"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/libmgm_mroute.so" "${MGM_ADAPTER_LIBRARY}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/mgm-run" "${MGM_ADAPTER_PROGRAM}"
  BYPRODUCTS ${MGM_SHARED_FILES} "${MGM_STATIC_FILE}" "${MGM_ROUTER_FILE}" ${MGM_CONTROL_FILES}
    "${MGM_ADAPTER_LIBRARY}" "${MGM_ADAPTER_PROGRAM}"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
  COMMENT "Building mgm with cargo"
  USES_TERMINAL VERBATIM)

# A program that links libmgm.a must also link the system libraries that the Rust
# standard library needs. libc and the unwinder are left out of the list, because the
# compiler driver adds them (libgcc_s, or libgcc_eh with -static). A program with
# libgcc_s in its list could not be linked with -static.
set(_rustc_target)
if(MGM_RUST_TARGET)
  set(_rustc_target --target "${MGM_RUST_TARGET}")
endif()
file(WRITE "${PROJECT_BINARY_DIR}/native.rs" "")
execute_process(
  COMMAND "${RUSTC}" --crate-type staticlib --print native-static-libs ${_rustc_target}
    -o "${PROJECT_BINARY_DIR}/libnative.a" "${PROJECT_BINARY_DIR}/native.rs"
  OUTPUT_VARIABLE _rustc_out ERROR_VARIABLE _rustc_out RESULT_VARIABLE _rustc_status)
file(REMOVE "${PROJECT_BINARY_DIR}/native.rs" "${PROJECT_BINARY_DIR}/libnative.a")
if(_rustc_status EQUAL 0 AND _rustc_out MATCHES "native-static-libs: *([^\n]*)")
  separate_arguments(MGM_PRIVATE_LIBS UNIX_COMMAND "${CMAKE_MATCH_1}")
  list(REMOVE_ITEM MGM_PRIVATE_LIBS -lgcc_s -lc)
  list(REMOVE_DUPLICATES MGM_PRIVATE_LIBS)
else()
  set(MGM_PRIVATE_LIBS -lutil -lrt -lpthread -lm -ldl)
endif()

add_library(mgm::mgm SHARED IMPORTED GLOBAL)
set_target_properties(mgm::mgm PROPERTIES
  IMPORTED_LOCATION "${_lib_dir}/${_so_file}"
  IMPORTED_SONAME "${_soname}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
add_dependencies(mgm::mgm mgm_cargo)

add_library(mgm::static STATIC IMPORTED GLOBAL)
set_target_properties(mgm::static PROPERTIES
  IMPORTED_LOCATION "${MGM_STATIC_FILE}"
  IMPORTED_LINK_INTERFACE_LANGUAGES C
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include"
  INTERFACE_LINK_LIBRARIES "${MGM_PRIVATE_LIBS}")
add_dependencies(mgm::static mgm_cargo)

# Stand-ins for the Windows headers, for programs that were written for Windows. They
# are a target of their own, so that no other program finds a windows.h by accident.
if(EXISTS "${PROJECT_SOURCE_DIR}/include/win32")
  add_library(mgm::win32 INTERFACE IMPORTED GLOBAL)
  set_target_properties(mgm::win32 PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include/win32;${PROJECT_SOURCE_DIR}/include")
endif()
