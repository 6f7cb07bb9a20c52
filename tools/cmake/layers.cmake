# Each source folder is one target that links only what its layer may use.
# tools/check_layers.py holds the same table against the #include lines.

# kiln_layer(NAME [FUZZED] [USES layer...] [LINKS library...])
# Builds every .cpp of the current folder's sub-folder NAME into the target kiln_NAME. What is fuzzed
# tells libFuzzer its branches, and is optimized; the rest of the asan preset compiles in half the time.
function(kiln_layer NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "FUZZED" "" "USES;LINKS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${NAME}/*.cpp)
  list(TRANSFORM ARG_USES PREPEND kiln_)
  if(sources)
    add_library(kiln_${NAME} STATIC ${sources})
    target_include_directories(kiln_${NAME} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(kiln_${NAME} PUBLIC ${ARG_USES} PRIVATE ${ARG_LINKS})
    if(ARG_FUZZED AND KILN_FUZZERS)
      target_compile_options(kiln_${NAME} PRIVATE -O1 -fsanitize=fuzzer-no-link)
    endif()
  else()
    add_library(kiln_${NAME} INTERFACE)
    target_include_directories(kiln_${NAME} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(kiln_${NAME} INTERFACE ${ARG_USES})
  endif()
endfunction()

# kiln_tests(FOLDER LABEL cpu|vulkan [DRIVERS driver...] [USES layer...] [LINKS library...])
# Builds every *.cpp of tests/FOLDER into one GoogleTest program. ctest runs it as FOLDER, or once
# for each driver, with validation layers, as FOLDER@DRIVER (names of `tools/lab list`); a driver
# that is missing is reported as skipped.
function(kiln_tests FOLDER)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "LABEL" "DRIVERS;USES;LINKS")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${FOLDER}/*.cpp)
  if(NOT sources)
    return()
  endif()
  string(REPLACE "/" "_" target kiln_tests_${FOLDER})
  list(TRANSFORM ARG_USES PREPEND kiln_)
  add_executable(${target} ${sources})
  if(KILN_SANITIZE AND ARG_LABEL STREQUAL "vulkan")  # the asan preset runs what is labelled cpu
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${ARG_USES} ${ARG_LINKS} GTest::gtest GTest::gmock_main)
  target_compile_definitions(${target} PRIVATE KILN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT ARG_DRIVERS)
    add_test(NAME ${FOLDER} COMMAND ${target} --gtest_brief=1)
    set_tests_properties(${FOLDER} PROPERTIES LABELS ${ARG_LABEL})
  endif()
  foreach(driver ${ARG_DRIVERS})
    kiln_driver_test(${FOLDER} ${driver} $<TARGET_FILE:${target}> --gtest_brief=1)
  endforeach()
endfunction()

# kiln_driver_test(NAME DRIVER COMMAND...): a ctest entry NAME@DRIVER, run with validation layers.
function(kiln_driver_test NAME DRIVER)
  set(test ${NAME}@${DRIVER})
  add_test(NAME ${test} COMMAND ${PROJECT_SOURCE_DIR}/tools/lab run ${DRIVER} --validation --skip
                                -- ${ARGN})
  set_tests_properties(${test} PROPERTIES LABELS vulkan SKIP_RETURN_CODE 77 TIMEOUT 2400)
endfunction()
