# Shaders become SPIR-V and C++ argument structs at build time (tools/shaders/compile.py).
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(KILN_GLSLANG NAMES glslangValidator glslang REQUIRED
             DOC "glslang's command line compiler (package glslang-tools)")
option(KILN_SHADER_DEBUG "Embed shaders with sources and lines for RenderDoc and the like" OFF)
find_program(KILN_SPIRV_OPT NAMES spirv-opt DOC "SPIR-V optimizer (package spirv-tools)")

# Kernels for matrix units need newer tools than all others. Where the system's are too old, those of
# the private folder (tools/lab make) serve; without them these kernels are left out.
set(kiln_matrix_probe ${PROJECT_SOURCE_DIR}/tools/cmake/matrix_probe.comp)

# kiln_try_matrices(TOOL ARGUMENTS...): sets `works`.
function(kiln_try_matrices)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  string(COMPARE EQUAL "${status}" 0 works)
  set(works ${works} PARENT_SCOPE)
endfunction()

function(kiln_find_matrix_tools)
  if(EXISTS "${KILN_MATRIX_GLSLANG}")
    return()  # as found before
  endif()
  if(KILN_LAB)
    set(lab ${KILN_LAB}/bin)
  elseif(DEFINED ENV{KILN_LAB})
    set(lab $ENV{KILN_LAB}/bin)
  else()
    set(lab ${PROJECT_SOURCE_DIR}/.lab/bin)
  endif()
  set(module ${PROJECT_BINARY_DIR}/matrix_probe.spv)
  foreach(glslang ${KILN_GLSLANG} ${lab}/glslangValidator)
    kiln_try_matrices(${glslang} -V --target-env vulkan1.2 ${kiln_matrix_probe} -o ${module})
    if(works)
      set(KILN_MATRIX_GLSLANG ${glslang} CACHE FILEPATH "glslang that knows matrices" FORCE)
      break()
    endif()
  endforeach()
  if(NOT works)
    message(STATUS "No kernels for matrix units: ${KILN_GLSLANG} does not know "
                   "GL_KHR_cooperative_matrix (tools/lab make unpacks one that does)")
    return()
  endif()
  foreach(optimizer ${KILN_SPIRV_OPT} ${lab}/spirv-opt)
    kiln_try_matrices(${optimizer} --target-env=vulkan1.2 -O ${module} -o ${module}.optimized)
    if(works)
      set(KILN_MATRIX_SPIRV_OPT ${optimizer} CACHE FILEPATH "optimizer that does" FORCE)
      break()
    endif()
  endforeach()
endfunction()
kiln_find_matrix_tools()

# kiln_shaders(FOLDER): every FOLDER/<topic>/<name>.comp into the library kiln_kernels.
function(kiln_shaders FOLDER)
  file(GLOB shaders CONFIGURE_DEPENDS ${FOLDER}/*/*.comp)
  set(out ${PROJECT_BINARY_DIR}/generated)
  set(compiler ${PROJECT_SOURCE_DIR}/tools/shaders)
  set(tools ${compiler}/compile.py ${compiler}/reflect.py ${compiler}/emit.py)
  set(debug)
  if(KILN_SHADER_DEBUG)
    set(debug --debug)
  endif()
  set(sources ${out}/kernels/all.cpp)
  set(built)
  set(not_built)
  foreach(shader ${shaders})
    get_filename_component(name ${shader} NAME_WE)
    set(glslang ${KILN_GLSLANG})
    set(optimizer ${KILN_SPIRV_OPT})
    file(STRINGS ${shader} matrices REGEX "^#extension GL_KHR_cooperative_matrix ")
    if(matrices)
      set(glslang ${KILN_MATRIX_GLSLANG})
      set(optimizer ${KILN_MATRIX_SPIRV_OPT})
    endif()
    if(NOT glslang)
      list(APPEND not_built ${shader})
      continue()
    endif()
    if(optimizer)
      set(optimizer --optimizer ${optimizer})
    endif()
    add_custom_command(
      OUTPUT ${out}/kernels/${name}.cpp ${out}/kernels/${name}.h
      COMMAND ${Python3_EXECUTABLE} ${compiler}/compile.py shader ${shader} --out ${out}
              --glslang ${glslang} ${optimizer} ${debug} --depfile ${out}/kernels/${name}.d
      DEPENDS ${shader} ${tools}
      DEPFILE ${out}/kernels/${name}.d
      COMMENT "Shader ${name}" VERBATIM)
    list(APPEND sources ${out}/kernels/${name}.cpp)
    list(APPEND built ${shader})
  endforeach()
  add_custom_command(
    OUTPUT ${out}/kernels/all.cpp ${out}/kernels/all.h
    COMMAND ${Python3_EXECUTABLE} ${compiler}/compile.py catalogue ${built} --out ${out}
            --not-built ${not_built}
    DEPENDS ${built} ${tools} COMMENT "Shader catalogue" VERBATIM)
  add_library(kiln_kernels STATIC ${sources})
  target_include_directories(kiln_kernels PUBLIC ${PROJECT_SOURCE_DIR} ${out})
  if(KILN_MATRIX_GLSLANG)
    target_compile_definitions(kiln_kernels PUBLIC KILN_MATRIX_KERNELS)
  endif()
endfunction()
