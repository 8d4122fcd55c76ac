import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics of one process, in Prometheus' conventions: base units, labels from closed sets, never ids. */
export interface Metrics {
  counter(
    name: string,
    help: string,
    labels?: readonly string[],
  ): { add(labels?: Labels, by?: number): void };
  /** Reads its value when somebody scrapes. */
  gauge(name: string, help: string, read: () => number): void;
  /** The same with one value for each set of labels; what is not named any more is not shown any more. */
  gauges(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly LabelledValue[] | Promise<readonly LabelledValue[]>,
  ): void;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ): { observe(value: number, labels?: Labels): void };
  /** Text exposition format. */
  render(): Promise<string>;
}

export type Labels = Readonly<Record<string, string>>;

export type LabelledValue = { readonly labels: Labels; readonly value: number };

/** Builds the metrics of a role. */
export function createMetrics(role: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ role });
  collectDefaultMetrics({ register: registry });
  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
      return { add: (values = {}, by = 1) => counter.inc(values, by) };
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    gauges(name, help, labels, read) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        async collect() {
          const values = await read();
          this.reset();
          for (const { labels: of, value } of values) this.set(of, value);
        },
      });
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = new Histogram({
        name,
        help,
        buckets: [...buckets],
        labelNames: [...labels],
        registers: [registry],
      });
      return { observe: (value, values = {}) => histogram.observe(values, value) };
    },
    render: () => registry.metrics(),
  };
}
