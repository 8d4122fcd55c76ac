import { errorCode } from '../runtime/errors.ts';

/** Ends this program without a word when the reader of its stdout goes away, as `head` does. */
export function endWithReader(): void {
  process.stdout.on('error', (error) => {
    if (errorCode(error) === 'EPIPE') process.exit(0);
    throw error;
  });
}
