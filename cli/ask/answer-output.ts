import { StenoError } from '../../runtime/errors.ts';
import { describeError } from '../describe-error.ts';
import type { DoneFrame, ErrorFrame, ServerFrame } from './server-frame.ts';
import { openTranscript } from './transcript.ts';

type Output = { write(text: string): unknown };

/** Where an answer is shown. */
export interface AnswerOutput {
  take(frame: ServerFrame): void;
  /** Says something beside the answer. */
  note(text: string): void;
  /** Ends the answer's line and names its conversation. */
  end(conversationId: string | null): void;
}

/** Shows an answer: its text on stdout, or its frames as lines; what is said about it on stderr. */
export function openAnswerOutput(options: {
  readonly json: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
}): AnswerOutput {
  const { json, stdout, stderr } = options;
  const transcript = openTranscript();
  let last = '\n';
  let ending: DoneFrame | ErrorFrame | null = null;

  function write({ text, again }: { readonly text: string; readonly again: boolean }): void {
    if (again) {
      breakLine();
      note('the answer was taken back; here it is again from its beginning');
    }
    if (text === '') return;
    stdout.write(text);
    last = text;
  }

  function breakLine(): void {
    if (!last.endsWith('\n')) stdout.write('\n');
    last = '\n';
  }

  function note(text: string): void {
    stderr.write(`steno: ${text}\n`);
  }

  return {
    take(frame) {
      if (frame.type === 'done' || frame.type === 'error') ending = frame;
      if (json) {
        stdout.write(`${JSON.stringify(frame)}\n`);
        return;
      }
      if (frame.type === 'delta') write(transcript.delta(frame.text));
      if (frame.type === 'reset') transcript.reset();
      if (frame.type === 'done') write(transcript.end());
    },
    note,
    end(conversationId) {
      breakLine();
      if (ending !== null) sayEnd(ending, stderr, note);
      if (conversationId !== null) stderr.write(`conversation ${conversationId}\n`);
    },
  };
}

function sayEnd(end: DoneFrame | ErrorFrame, stderr: Output, note: (text: string) => void): void {
  if (end.type === 'error') {
    const fix = end.fix ?? (end.retryable ? 'ask again' : undefined);
    const error = new StenoError(end.code, `${end.message} (${end.code})`, fix === undefined ? {} : { fix });
    stderr.write(`${describeError(error)}\n`);
  } else if (end.outcome === 'cancelled') {
    note('the answer was stopped; what was said is kept');
  } else if (end.finish_reason === 'length') {
    note('the answer was cut at its length; --max-tokens allows more');
  }
}
