/** What JSON takes, for what it does not: bytes are base64, big numbers are numbers. To be used as a replacer. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  // A Buffer has turned itself into this by the time the replacer sees it.
  return isBytes(value) ? Buffer.from(value.data).toString('base64') : value;
}

/** True for what a Buffer turns itself into. */
export function isBytes(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value
  );
}
