import { StenoError } from '../../../runtime/errors.ts';
import { CALL_TAIL, callHead } from '../../../streams/tool-calls.ts';
import type { CallPiece } from './chunk.ts';

/** Writes the calls that a backend tells apart from its text the way they stand in answers. */
export interface CallWriter {
  /** Throws StenoError `engine_failed` for a piece of a call that has no name, or that another one followed. */
  write(pieces: readonly CallPiece[], follows: boolean): string;
  /** What ends the last call. */
  close(): string;
}

export function createCallWriter(): CallWriter {
  let current: number | null = null;
  let last = -1;

  /** `follows`: text stands before it. */
  function write(piece: CallPiece, follows: boolean): string {
    const index = piece.index ?? (piece.name === null ? last : last + 1);
    if (index === current) return piece.arguments;
    if (piece.name === null || index < last)
      throw new StenoError(
        'engine_failed',
        `the model's backend sent a piece of a call that it did not begin`,
        {
          retryable: true,
        },
      );
    const before = close() + (follows || last >= 0 ? '\n' : '');
    [current, last] = [index, index];
    return before + callHead(piece.name) + piece.arguments;
  }

  function close(): string {
    const open = current !== null;
    current = null;
    return open ? CALL_TAIL : '';
  }

  return {
    write: (pieces, follows) => pieces.map((piece) => write(piece, follows)).join(''),
    close,
  };
}
