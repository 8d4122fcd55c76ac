/** Tells a person, once a second at most, how far a rebuild is. */
export interface RebuildProgress {
  /** So many records more were passed. */
  add(records: number): void;
}

const EVERY_MS = 1_000;

/** `total` is how many records there are to pass; `now` a clock in milliseconds that never goes back. */
export function createRebuildProgress(
  total: number,
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): RebuildProgress {
  const began = now();
  let said = began;
  let passed = 0;
  return {
    add(records) {
      passed += records;
      const time = now();
      if (time - said < EVERY_MS) return;
      said = time;
      say(progressLine(passed, Math.max(total, passed), time - began));
    },
  };
}

/** One line: how many, what share, how fast, how long still. */
export function progressLine(passed: number, total: number, millis: number): string {
  const rate = (passed * 1_000) / Math.max(1, millis);
  const left = rate === 0 ? null : Math.ceil((total - passed) / rate);
  const share = total === 0 ? 100 : Math.floor((100 * passed) / total);
  const eta = left === null ? '' : `, ${left} s left`;
  return `${count(passed)} of ${count(total)} records (${share} %), ${count(Math.round(rate))}/s${eta}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
