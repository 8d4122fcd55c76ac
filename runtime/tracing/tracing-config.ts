import type { SettingName } from '../settings.ts';

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export type SamplerName = (typeof SAMPLERS)[number];

/** Where spans are sent, and which. */
export type TracingConfig = {
  /** Address that takes OTLP over HTTP as protobuf; null for the exporter's own default on this machine. */
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly sampler: SamplerName;
  /** Share of traces that a ratio sampler keeps. */
  readonly ratio: number;
  /** Null: `steno-<role>`. */
  readonly serviceName: string | null;
  readonly resource: Readonly<Record<string, string>>;
};

/** What `parseConfig` reads settings with. */
type Reading = {
  readonly raw: (name: SettingName) => string | null;
  readonly oneOf: <T extends string>(name: SettingName, allowed: readonly T[]) => T | null;
  readonly url: (name: SettingName) => string | null;
  readonly problem: (name: SettingName, got: string) => void;
};

/** Reads OpenTelemetry's well-known settings. Null where no collector is named: then nothing is traced. */
export function tracingConfig({ raw, oneOf, url, problem }: Reading): TracingConfig | null {
  const exporter = oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  const disabled = oneOf('OTEL_SDK_DISABLED', ['true', 'false']) === 'true';
  const base = url('OTEL_EXPORTER_OTLP_ENDPOINT');
  const own = url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const sampler = oneOf('OTEL_TRACES_SAMPLER', SAMPLERS) ?? 'parentbased_always_on';
  const ratio = Number(raw('OTEL_TRACES_SAMPLER_ARG') ?? '1');
  if (!(ratio >= 0 && ratio <= 1)) problem('OTEL_TRACES_SAMPLER_ARG', raw('OTEL_TRACES_SAMPLER_ARG') ?? '');
  if (disabled || exporter === 'none' || (exporter === null && base === null && own === null)) return null;
  return {
    url: own ?? (base === null ? null : `${base}/v1/traces`),
    headers: pairs(raw('OTEL_EXPORTER_OTLP_HEADERS')),
    sampler,
    ratio,
    serviceName: raw('OTEL_SERVICE_NAME'),
    resource: pairs(raw('OTEL_RESOURCE_ATTRIBUTES')),
  };
}

/** `name=value,name=value`, percent-encoded, as OpenTelemetry writes lists. */
function pairs(text: string | null): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const item of (text ?? '').split(',')) {
    const at = item.indexOf('=');
    if (at <= 0) continue;
    found[item.slice(0, at).trim()] = decode(item.slice(at + 1).trim());
  }
  return found;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Not percent-encoded: meant as it stands.
    return value;
  }
}
