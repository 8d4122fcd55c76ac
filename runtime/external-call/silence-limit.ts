/** A limit on how long the far side may be silent: one before its first word, one between words. */
export interface SilenceLimit {
  /** The far side spoke; until `waiting` the time is ours. */
  heard(): void;
  waiting(): void;
  stop(): void;
}

export type SilenceMillis = { readonly firstMillis: number; readonly gapMillis: number };

/** Starts the clock. One timer, set anew only at the first word and when it fires: words come by the thousand a second. */
export function limitSilence(limits: SilenceMillis, onSilence: () => void): SilenceLimit {
  let since = performance.now();
  let limit = limits.firstMillis;
  let isFirst = true;
  let isOurs = false;
  let timer = setTimeout(check, limit);

  function check(): void {
    const left = isOurs ? limit : since + limit - performance.now();
    if (left <= 0) onSilence();
    else timer = setTimeout(check, left);
  }

  return {
    heard() {
      isOurs = true;
      if (!isFirst) return;
      isFirst = false;
      limit = limits.gapMillis;
      clearTimeout(timer);
      timer = setTimeout(check, limit);
    },
    waiting() {
      isOurs = false;
      since = performance.now();
    },
    stop: () => clearTimeout(timer),
  };
}
