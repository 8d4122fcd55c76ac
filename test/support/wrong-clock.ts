/** Preloaded into a role: its clock is wrong by STENO_TEST_CLOCK_MS milliseconds, for `Date` and all that asks it. */
const offset = Number(process.env['STENO_TEST_CLOCK_MS'] ?? 0);
const RightDate = Date;

if (offset !== 0) {
  globalThis.Date = class extends RightDate {
    constructor(...parameters: [] | [number | string | Date]) {
      if (parameters.length === 0) super(RightDate.now() + offset);
      else super(parameters[0]);
    }
    static override now(): number {
      return RightDate.now() + offset;
    }
    // A subclass has the other constructors of the original, such as the one of year and month, only by inheritance.
  } as DateConstructor;
}
