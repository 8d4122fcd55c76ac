/** Reads a gauge of a process over and over; `stop` returns every value that was seen. */
export function watchMetric(
  address: string,
  name: string,
  label = '',
): { stop(): Promise<readonly number[]> } {
  const values: number[] = [];
  let stopped = false;
  async function watch(): Promise<void> {
    while (!stopped) {
      values.push(await readMetric(address, name, label));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const watching = watch();
  return {
    async stop() {
      stopped = true;
      await watching;
      return values;
    },
  };
}

/** The sum over the series of a metric whose labels contain `label`. */
export async function readMetric(address: string, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
