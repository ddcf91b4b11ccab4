# Unicorn from the PyPI wheel that ./run unpacks into .deps/, or from -DUnicorn_ROOT=….
# Defines Unicorn::Unicorn. Versions before 2.1 are refused: their x86 MMU judges faults but throws
# the translated address away, so they cannot say which physical address an access reached.
find_path(Unicorn_INCLUDE_DIR unicorn/unicorn.h
  HINTS ${PROJECT_SOURCE_DIR}/.deps/unicorn/include)
find_library(Unicorn_LIBRARY NAMES unicorn libunicorn.so.2
  HINTS ${PROJECT_SOURCE_DIR}/.deps/unicorn/lib)

if(Unicorn_INCLUDE_DIR)
  file(STRINGS ${Unicorn_INCLUDE_DIR}/unicorn/unicorn.h lines
       REGEX "^#define UC_API_(MAJOR|MINOR|PATCH) +[0-9]+")
  string(REGEX REPLACE "[^;]*UC_API_[A-Z]+ +([0-9]+)" "\\1" numbers "${lines}")
  string(REPLACE ";" "." Unicorn_VERSION "${numbers}")
endif()
if(Unicorn_VERSION AND Unicorn_VERSION VERSION_LESS 2.1)
  message(FATAL_ERROR "Unicorn ${Unicorn_VERSION} in ${Unicorn_INCLUDE_DIR} is refused: before 2.1 "
    "its x86 MMU discards the translated address, so physical addresses cannot be compared. "
    "Run ./run build, which fetches the version pinned in ./dependencies.")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Unicorn
  REQUIRED_VARS Unicorn_LIBRARY Unicorn_INCLUDE_DIR VERSION_VAR Unicorn_VERSION)
if(Unicorn_FOUND AND NOT TARGET Unicorn::Unicorn)
  add_library(Unicorn::Unicorn UNKNOWN IMPORTED)
  set_target_properties(Unicorn::Unicorn PROPERTIES
    IMPORTED_LOCATION ${Unicorn_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${Unicorn_INCLUDE_DIR})
endif()
