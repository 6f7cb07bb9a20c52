# What `cmake --install` puts where: the library, its headers, the program, and how to find them.
include(CMakePackageConfigHelpers)

# kiln.h and what it includes; tests/install builds a program against the installed set.
set(KILN_PUBLIC_HEADERS models/pipeline/kiln.h models/pipeline/image.h models/pipeline/png_text.h
    runtime/base/error.h)

add_library(kiln SHARED $<TARGET_OBJECTS:kiln_pipeline>)
add_library(kiln::kiln ALIAS kiln)
set_target_properties(kiln PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_compile_features(kiln PUBLIC cxx_std_20)
target_include_directories(kiln INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/kiln>)
target_link_libraries(kiln PUBLIC fmt::fmt PRIVATE kiln_pipeline)
target_link_options(kiln PRIVATE LINKER:--exclude-libs,ALL)  # exports the top layer only

install(TARGETS kiln EXPORT kilnTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS kiln_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# OPTIONAL: a tree without the model's files installs, too.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/bundled DESTINATION ${CMAKE_INSTALL_DATADIR}/kiln/models
        OPTIONAL)
foreach(header ${KILN_PUBLIC_HEADERS})
  get_filename_component(folder ${header} DIRECTORY)
  if(header MATCHES "/kiln\\.h$")
    set(folder)  # included as <kiln/kiln.h>
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kiln/${folder})
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/kiln)
configure_package_config_file(${PROJECT_SOURCE_DIR}/tools/cmake/kilnConfig.cmake.in
  ${PROJECT_BINARY_DIR}/kilnConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/kilnConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/kilnConfig.cmake ${PROJECT_BINARY_DIR}/kilnConfigVersion.cmake
        DESTINATION ${package})
install(EXPORT kilnTargets NAMESPACE kiln:: DESTINATION ${package})
file(RELATIVE_PATH KILN_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/tools/cmake/kiln.pc.in ${PROJECT_BINARY_DIR}/kiln.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kiln.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
