import { pino } from 'pino';

/** Facts beside a constant lower-case sentence. Message text of users never enters one. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A structured logger: one JSON object a line on stderr. */
export interface Logger {
  debug(sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  warn(sentence: string, fields?: LogFields): void;
  error(sentence: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/** Builds the logger of a process. `level` is one of debug, info, warn, error, silent. */
export function createLogger(options: { role: string; level: string }): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  return wrap(
    pino(
      {
        level: options.level,
        base: { role: options.role, pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
      },
      destination,
    ),
  );
}

type Pino = ReturnType<typeof pino>;

function wrap(target: Pino): Logger {
  return {
    debug: (sentence, fields) => target.debug(fields ?? {}, sentence),
    info: (sentence, fields) => target.info(fields ?? {}, sentence),
    warn: (sentence, fields) => target.warn(fields ?? {}, sentence),
    error: (sentence, fields) => target.error(fields ?? {}, sentence),
    child: (fields) => wrap(target.child(fields)),
  };
}
