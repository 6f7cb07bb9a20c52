// Sums in parts (DIVIDED): workgroups along z each add some of the steps, STEP inputs of a tap, and
// sum_parts.comp adds theirs, bias and addend. Uses inputs, outputs and first_row of Args, KERNEL,
// STEP, TILE_ROWS.

const uint kTaps = KERNEL * KERNEL;

uint steps_before(uint part) { return kTaps * (inputs / STEP) * part / gl_NumWorkGroups.z; }

// Of this workgroup, among those of all taps; and the tap and its input that this one begins with.
uint first_step(out uint tap, out uint k) {
  const uint first = DIVIDED ? steps_before(gl_WorkGroupID.z) : 0;
  tap = DIVIDED ? first / (inputs / STEP) : 0;
  k = DIVIDED ? first % (inputs / STEP) * STEP : 0;
  return first;
}

// Where all steps are those of this workgroup it ends with the last tap.
uint end_step() { return DIVIDED ? steps_before(gl_WorkGroupID.z + 1) : 0; }

// Of the sums in memory; n is a multiple of four, as outputs is.
uint part_quad(uint row, uint n) {
  const uint rows_before = gl_WorkGroupID.z * gl_NumWorkGroups.y * TILE_ROWS;
  return ((rows_before + row - first_row) * outputs + n) / 4;
}
