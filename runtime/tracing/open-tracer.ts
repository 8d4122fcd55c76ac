import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import { noTracer, type Tracer } from '../tracing.ts';

/** Opens the tracer that the settings ask for. OpenTelemetry is loaded only where they name a collector. */
export async function openTracer(config: Config, role: string, metrics: Metrics): Promise<Tracer> {
  if (config.tracing === null) return noTracer;
  const { openOtlpTracer } = await import('./otlp-tracer.ts');
  return openOtlpTracer(config.tracing, role, metrics);
}
