# Builds the crate with cargo and presents the results as targets.
#
# Out: mgm_cargo              custom target that runs cargo
#      mgm::mgm, mgm::static  for consumers in the same build
#      MGM_SHARED_FILES       libmgm.so.1.0.0 and its two links, to be installed
#      MGM_STATIC_FILE        libmgm.a, to be installed
#      MGM_TOP_FILE           mgmtop, to be installed
#      MGM_PRIVATE_LIBS       what a static consumer has to link besides

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "mgm's CMake build knows Linux only; elsewhere use cargo build --release --package mgm")
endif()

# rustup puts cargo where no system path leads. It comes before that of a
# distribution, which would compile with another rustc into the same directory.
find_program(CARGO cargo HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin REQUIRED)
find_program(RUSTC rustc HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin REQUIRED)

# On its own mgm shares target/ with plain cargo; inside another project it
# keeps out of its own source tree, which may be read-only.
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
  # What others get must not name the directories of whoever built it.
  set(_cargo "${PROJECT_SOURCE_DIR}/scripts/cargo-trimmed")
  set(_cargo_options --profile release)
  set(_artifacts release)
endif()
if(MGM_RUST_TARGET)
  list(APPEND _cargo_options --target "${MGM_RUST_TARGET}")
  set(_artifacts "${MGM_RUST_TARGET}/${_artifacts}")
endif()
set(_artifacts "${MGM_CARGO_TARGET_DIR}/${_artifacts}")

# cargo's libmgm.so carries the SONAME libmgm.so.1: a program finds it only
# under that name, so the build tree gets the same three names as the system.
set(_lib_dir "${PROJECT_BINARY_DIR}/lib")
set(_so "libmgm.so")
set(_soname "libmgm.so.${PROJECT_VERSION_MAJOR}")
set(_so_file "libmgm.so.${PROJECT_VERSION}")
set(MGM_SHARED_FILES "${_lib_dir}/${_so_file}" "${_lib_dir}/${_soname}" "${_lib_dir}/${_so}")
set(MGM_STATIC_FILE "${_lib_dir}/libmgm.a")
set(MGM_TOP_FILE "${PROJECT_BINARY_DIR}/bin/mgmtop")
file(MAKE_DIRECTORY "${_lib_dir}" "${PROJECT_BINARY_DIR}/bin")

# Always runs: cargo knows better than make what is out of date, and is quick
# when nothing is. It runs in the source tree for the sake of .cargo/config.toml.
# MAKEFLAGS goes, or cargo would wait for a job server that it cannot reach.
add_custom_target(mgm_cargo ALL
  COMMAND "${CMAKE_COMMAND}" -E env --unset=MAKEFLAGS --unset=MFLAGS
    "CARGO=${CARGO}" ${_cargo} build --package mgm --package mgmtop --lib --bin mgmtop --locked ${_cargo_options}
    --target-dir "${MGM_CARGO_TARGET_DIR}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/libmgm.so" "${_lib_dir}/${_so_file}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink "${_so_file}" "${_lib_dir}/${_soname}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink "${_soname}" "${_lib_dir}/${_so}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/libmgm.a" "${MGM_STATIC_FILE}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_artifacts}/mgmtop" "${MGM_TOP_FILE}"
  BYPRODUCTS ${MGM_SHARED_FILES} "${MGM_STATIC_FILE}" "${MGM_TOP_FILE}"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
  COMMENT "Building mgm with cargo"
  USES_TERMINAL VERBATIM)

# The system libraries that Rust's std needs, which a static consumer has to
# name itself. The compiler driver brings libc and the unwinder (libgcc_s, or
# libgcc_eh under -static), so these two are dropped: naming libgcc_s would
# make -static impossible.
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

# Stand-ins for the Windows headers, for sources that were written for those.
# Apart, because no other source should find a windows.h by accident.
if(EXISTS "${PROJECT_SOURCE_DIR}/include/win32")
  add_library(mgm::win32 INTERFACE IMPORTED GLOBAL)
  set_target_properties(mgm::win32 PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include/win32;${PROJECT_SOURCE_DIR}/include")
endif()
