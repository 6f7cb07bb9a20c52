// The smallest program that makes a picture with the installed library.
#include <kiln/kiln.h>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: embed MODEL PROMPT PICTURE.png\n";
    return 2;
  }
  try {
    kiln::ModelOptions options;
    options.model = argv[1];
    kiln::Pipeline pipeline(options);
    kiln::Request request = pipeline.default_request();
    request.prompt = argv[2];
    kiln::save_png(argv[3], pipeline.generate(request).front());
  } catch (const std::exception& error) {
    std::cerr << "embed: " << error.what() << '\n';
    return 1;
  }
}
