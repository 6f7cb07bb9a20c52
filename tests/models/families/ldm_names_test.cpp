// Names of the original single-file layout against the names of the same weights as a folder.
#include "models/families/ldm_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "runtime/weights/folder.h"
#include "runtime/weights/open_weights.h"

namespace kiln {
namespace {

const std::string kGolden = KILN_SOURCE_DIR "/tests/golden/";

TEST(LdmNames, EveryNameOfASingleFileIsOneOfTheFolders) {
  std::set<std::string> expected;
  for (const std::string part : {"text_encoder", "unet", "vae"}) {
    for (const std::string& name : open_component_folder(kGolden + "sd15-tiny/" + part)->names()) {
      expected.insert(part + "." + name);
    }
  }
  const std::vector<std::string> names =
      open_weights(kGolden + "sd15-tiny-singlefile/sd15-tiny-fp16.safetensors")->names();
  const LdmLayout layout = ldm_layout(names);
  std::set<std::string> translated;
  for (const std::string& name : names) {
    const auto found = diffusers_name(name, layout);
    if (!found) continue;
    EXPECT_TRUE(translated.insert(*found).second) << name;
  }
  EXPECT_EQ(translated, expected);
}

TEST(LdmNames, SchedulesCopiesAndPositionsAreNoWeights) {
  for (const char* name :
       {"betas", "model_ema.diffusion_modelout2bias", "model.diffusion_model.input_blocks",
        "model.diffusion_model.input_blocks.99999999999.0.op.weight", "first_stage_model.",
        "first_stage_model.decoder.up.9.block.0.conv1.weight",
        "cond_stage_model.transformer.text_model.embeddings.position_ids", ""}) {
    EXPECT_EQ(diffusers_name(name, LdmLayout{}), std::nullopt) << name;
  }
}

TEST(LdmNames, OnlyTheProjectionsOfVaeAttentionChangeShape) {
  EXPECT_TRUE(is_ldm_projection("first_stage_model.decoder.mid.attn_1.proj_out.weight"));
  EXPECT_FALSE(is_ldm_projection("first_stage_model.decoder.mid.attn_1.norm.weight"));
  EXPECT_FALSE(is_ldm_projection("first_stage_model.decoder.mid.attn_1.q.bias"));
  EXPECT_FALSE(is_ldm_projection("first_stage_model.decoder.conv_in.weight"));
}

}  // namespace
}  // namespace kiln
