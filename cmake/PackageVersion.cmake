# Writes MGM_VERSION_FILE, which tells find_package(mgm VERSION) what this one is good
# for. Included by Install.cmake; scripts/windows runs it by itself, and says
# PROJECT_VERSION and CMAKE_SIZEOF_VOID_P, too.
include(CMakePackageConfigHelpers)
write_basic_package_version_file("${MGM_VERSION_FILE}"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMajorVersion)
