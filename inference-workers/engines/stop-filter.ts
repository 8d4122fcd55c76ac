/** Passes text through until a stop string begins; text that may still become one is held back. */
export interface StopFilter {
  /** Returns what may be shown now. After `stopped` nothing more may be pushed. */
  push(text: string): { readonly text: string; readonly stopped: boolean };
  /** Returns what was held back; call it when the answer ended without a stop string. */
  flush(): string;
}

/**
 * Builds the filter of one answer. `prefix` is the text already shown by an earlier attempt: a stop string that began
 * in it is found too, but shown text is never taken back.
 */
export function createStopFilter(stops: readonly string[], prefix: string): StopFilter {
  const wanted = stops.filter((stop) => stop !== '');
  if (wanted.length === 0) return { push: (text) => ({ text, stopped: false }), flush: () => '' };
  const reach = Math.max(...wanted.map((stop) => stop.length)) - 1;
  let shown = tail(prefix, reach);
  let held = '';
  return {
    push(text) {
      const window = shown + held + text;
      const at = firstMatch(window, wanted);
      if (at >= 0) return { text: window.slice(shown.length, Math.max(shown.length, at)), stopped: true };
      const keep = Math.min(heldLength(window, wanted), held.length + text.length);
      const piece = window.slice(shown.length, window.length - keep);
      held = window.slice(window.length - keep);
      shown = tail(shown + piece, reach);
      return { text: piece, stopped: false };
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

function firstMatch(text: string, stops: readonly string[]): number {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

/** The length of the longest end of `text` that begins a stop string. */
function heldLength(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}

function tail(text: string, length: number): string {
  return length === 0 ? '' : text.slice(-length);
}
