# Shaders become SPIR-V and C++ argument structs at build time (tools/shaders/compile.py).
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(KILN_GLSLANG NAMES glslangValidator glslang REQUIRED
             DOC "glslang's command line compiler (package glslang-tools)")
option(KILN_SHADER_DEBUG "Embed shaders with sources and lines for RenderDoc and the like" OFF)
find_program(KILN_SPIRV_OPT NAMES spirv-opt DOC "SPIR-V optimizer (package spirv-tools)")

# kiln_shaders(FOLDER): every FOLDER/<topic>/<name>.comp into the library kiln_kernels.
function(kiln_shaders FOLDER)
  file(GLOB shaders CONFIGURE_DEPENDS ${FOLDER}/*/*.comp)
  set(out ${PROJECT_BINARY_DIR}/generated)
  set(compiler ${PROJECT_SOURCE_DIR}/tools/shaders)
  set(tools ${compiler}/compile.py ${compiler}/reflect.py ${compiler}/emit.py)
  set(optimizer)
  if(KILN_SPIRV_OPT)
    set(optimizer --optimizer ${KILN_SPIRV_OPT})
  endif()
  set(debug)
  if(KILN_SHADER_DEBUG)
    set(debug --debug)
  endif()
  set(sources ${out}/kernels/all.cpp)
  foreach(shader ${shaders})
    get_filename_component(name ${shader} NAME_WE)
    add_custom_command(
      OUTPUT ${out}/kernels/${name}.cpp ${out}/kernels/${name}.h
      COMMAND ${Python3_EXECUTABLE} ${compiler}/compile.py shader ${shader} --out ${out}
              --glslang ${KILN_GLSLANG} ${optimizer} ${debug} --depfile ${out}/kernels/${name}.d
      DEPENDS ${shader} ${tools}
      DEPFILE ${out}/kernels/${name}.d
      COMMENT "Shader ${name}" VERBATIM)
    list(APPEND sources ${out}/kernels/${name}.cpp)
  endforeach()
  add_custom_command(
    OUTPUT ${out}/kernels/all.cpp ${out}/kernels/all.h
    COMMAND ${Python3_EXECUTABLE} ${compiler}/compile.py catalogue ${shaders} --out ${out}
    DEPENDS ${shaders} ${tools} COMMENT "Shader catalogue" VERBATIM)
  add_library(kiln_kernels STATIC ${sources})
  target_include_directories(kiln_kernels PUBLIC ${PROJECT_SOURCE_DIR} ${out})
endfunction()
