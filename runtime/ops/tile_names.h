// Lists of tiles and their names, which files of tuned kernels keep.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// Functions named ..._tiles: the tiles a kernel can be launched with on the device, each with
// another name; first that of the table, then what `kiln tune` tries beside it. Never empty where
// the kernel can serve.

// Adds what is none of the tiles yet.
template <typename Tile>
void add_tile(std::vector<Tile>& tiles, const Tile& tile) {
  if (std::find(tiles.begin(), tiles.end(), tile) == tiles.end()) tiles.push_back(tile);
}

// "8x16x2": what tells a tile from the others of its kernel, in the order of its fields;
// "8x16x2/4" where four workgroups share the terms of each sum.
inline std::string name_of(std::uint32_t tile) { return std::to_string(tile); }
template <typename Tile>
std::string name_of(const Tile& tile) {
  return tile.name();
}

template <typename Tile>
std::vector<std::string> names_of(const std::vector<Tile>& tiles) {
  std::vector<std::string> names;
  for (const Tile& tile : tiles) names.push_back(name_of(tile));
  return names;
}

// The tile of this name, else the first. tiles: not empty.
template <typename Tile>
Tile tile_named(const std::vector<Tile>& tiles, std::string_view name) {
  if (name.empty()) return tiles.front();
  for (const Tile& tile : tiles) {
    if (name_of(tile) == name) return tile;
  }
  return tiles.front();
}

}  // namespace kiln
