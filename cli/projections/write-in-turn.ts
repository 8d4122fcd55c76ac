/**
 * Returns what runs work while no other thread with the same number (32 bits, 1 while one writes) does. SQLite's own wait
 * for a lock would sleep past the moment when it is free.
 */
export function writeInTurn(shared: SharedArrayBuffer): (work: () => void) => void {
  const turns = new Int32Array(shared);
  return (work) => {
    while (Atomics.compareExchange(turns, 0, 0, 1) !== 0) Atomics.wait(turns, 0, 1);
    try {
      work();
    } finally {
      Atomics.store(turns, 0, 0);
      Atomics.notify(turns, 0, 1);
    }
  };
}
