# Writes MGM_VERSION_FILE, from which find_package(mgm VERSION) decides whether this
# package is compatible. Install.cmake includes this file. scripts/windows runs it as a script
# and sets PROJECT_VERSION and CMAKE_SIZEOF_VOID_P itself.
include(CMakePackageConfigHelpers)
write_basic_package_version_file("${MGM_VERSION_FILE}"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMajorVersion)
