// How a subgroup loads inputs of ROWS rows: STEP of each, of as many rows at once as its lanes hold. Few
// inputs keep the loop's body short, which is what a driver's compiler takes its time for. Uses LANES,
// ROWS and VALUES (of an input's row that a lane loads together).
const uint HELD = LANES * VALUES;
const uint STEP = HELD < 8 ? HELD : 8;
const uint PACKED = HELD / STEP < ROWS ? HELD / STEP : ROWS;  // rows a load
const uint LOADS = ROWS / PACKED;
