import type { EventAppender } from '../streams/event-log.ts';
import { refuse } from './problems.ts';

/**
 * An appender that takes nothing more while the log owes it `most` records: what would only wait is refused at once.
 * Its `append` throws `overloaded` besides what the appender's own throws.
 */
export function boundAppends(appender: EventAppender, most: number): EventAppender {
  return {
    append(events) {
      if (appender.pending + events.length <= most) return appender.append(events);
      const full = refuse('overloaded', 'the log acknowledges more slowly than it is written to', {
        fix: 'try again shortly',
      });
      return Promise.reject(full);
    },
    get pending() {
      return appender.pending;
    },
    close: () => appender.close(),
  };
}
