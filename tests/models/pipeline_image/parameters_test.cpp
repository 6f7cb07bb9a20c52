// The parameters text is written and read by A1111's rules.
#include "models/pipeline/parameters.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

GenerationParameters full() {
  GenerationParameters parameters;
  parameters.prompt = "a cat, (sitting:1.2)\nsecond line";
  parameters.negative_prompt = "dog, \"quoted\"";
  parameters.steps = 20;
  parameters.sampler = "DPM++ 2M";
  parameters.schedule_type = "Karras";
  parameters.cfg_scale = 7.5f;
  parameters.seed = 18446744073709551615u;
  parameters.width = 512;
  parameters.height = 768;
  parameters.model_hash = "abcdef0123";
  parameters.model = "my: model, best";
  parameters.denoising_strength = 0.1f;
  parameters.clip_skip = 2;
  parameters.rng = "CPU";
  parameters.extras = {{"Hires upscale", "2"}, {"Lora hashes", "a: 1, b: 2"}};
  parameters.version = "kiln 0.1.0";
  return parameters;
}

TEST(Parameters, AreWrittenInA1111sOrder) {
  EXPECT_EQ(write_parameters(full()),
            "a cat, (sitting:1.2)\nsecond line\n"
            "Negative prompt: dog, \"quoted\"\n"
            "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, "
            "Seed: 18446744073709551615, Size: 512x768, Model hash: abcdef0123, "
            "Model: \"my: model, best\", Denoising strength: 0.1, Clip skip: 2, RNG: CPU, "
            "Hires upscale: 2, Lora hashes: \"a: 1, b: 2\", Version: kiln 0.1.0");
}

TEST(Parameters, AreReadBackAsTheyWere) {
  EXPECT_EQ(parse_parameters(write_parameters(full())), full());
}

TEST(Parameters, ReadA1111sOwnText) {
  const auto parameters = parse_parameters(
      "masterpiece, 1girl\nNegative prompt: lowres, bad hands\nblurry\n"
      "Steps: 28, Sampler: Euler a, CFG scale: 7, Seed: 2508, Size: 512x512, "
      "Model hash: 84d76a0328, Model: v1-5, Clip skip: 2, ENSD: 31337, "
      "TI hashes: \"easy: c74b, \\\"x\\\": 1\", Version: v1.6.0");
  EXPECT_EQ(parameters.prompt, "masterpiece, 1girl");
  EXPECT_EQ(parameters.negative_prompt, "lowres, bad hands\nblurry");
  EXPECT_EQ(parameters.steps, 28u);
  EXPECT_EQ(parameters.sampler, "Euler a");
  EXPECT_EQ(parameters.cfg_scale, 7.0f);
  EXPECT_EQ(parameters.seed, 2508u);
  EXPECT_EQ(parameters.width, 512u);
  EXPECT_EQ(parameters.clip_skip, 2u);
  EXPECT_EQ(parameters.version, "v1.6.0");
  EXPECT_EQ(parameters.extras, (std::vector<std::pair<std::string, std::string>>{
                                   {"ENSD", "31337"}, {"TI hashes", "easy: c74b, \"x\": 1"}}));
}

TEST(Parameters, ALastLineWithFewerThanThreePairsIsPrompt) {
  EXPECT_EQ(parse_parameters("a\nSteps: 1, Seed: 2").prompt, "a\nSteps: 1, Seed: 2");
  EXPECT_EQ(parse_parameters("a\nSteps: 1, Seed: 2, Size: 8x8").prompt, "a");
  EXPECT_EQ(parse_parameters("Steps: 1, Seed: 2, Size: 8x8").prompt, "");
  EXPECT_EQ(parse_parameters("time 12:30, ratio 16:9").prompt, "time 12:30, ratio 16:9");
}

TEST(Parameters, ValuesThatCannotBeUnderstoodAreKeptAsText) {
  const auto parameters =
      parse_parameters("a\nSteps: many, Seed: -1, Size: 8by8, CFG scale: nan, Clip skip: two");
  EXPECT_EQ(parameters.steps, std::nullopt);
  EXPECT_EQ(parameters.seed, std::nullopt);
  EXPECT_EQ(parameters.cfg_scale, std::nullopt);
  EXPECT_EQ(parameters.clip_skip, 1u);
  EXPECT_EQ(parameters.extras.size(), 5u);
}

TEST(Parameters, QuotedValuesMayHoldAnything) {
  GenerationParameters parameters;
  parameters.steps = 1;
  parameters.seed = 2;
  parameters.extras = {{"Prompt two", "a, b: \"c\"\n\\ \xc3\xa9 {}"}, {"Plain", "x \"y\" z"}};
  EXPECT_EQ(parse_parameters(write_parameters(parameters)), parameters);
}

TEST(Parameters, AnyTextIsRead) {
  EXPECT_EQ(parse_parameters(""), GenerationParameters());
  EXPECT_EQ(parse_parameters(" \n\t "), GenerationParameters());
  EXPECT_EQ(parse_parameters("Negative prompt:"), GenerationParameters());
  EXPECT_EQ(parse_parameters("a\nb: \"x\nc").prompt, "a\nb: \"x\nc");
  // Linear in length: a hundred thousand words without a colon.
  EXPECT_EQ(parse_parameters(std::string(1000000, 'w')).prompt.size(), 1000000u);
}

}  // namespace
}  // namespace kiln
