/** Waits for a fact instead of sleeping: resolves when `holds` does, throws after `millis` with what was awaited. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  millis = 20_000,
): Promise<void> {
  const deadline = performance.now() + millis;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${millis} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
