/** What is to be written so that the reader has the answer. */
type Written = {
  readonly text: string;
  /** The text begins the answer again, because what was written before was taken back. */
  readonly again: boolean;
};

/**
 * Follows an answer on an output that takes nothing back. After a reset nothing is written while the new text repeats
 * what stands there; where it differs, the answer is written once more from its beginning.
 */
export interface Transcript {
  delta(text: string): Written;
  reset(): void;
  /** The answer ends here: what still has to be written so that what was written last is the answer. */
  end(): Written;
  /** The answer so far. */
  text(): string;
}

const NOTHING: Written = { text: '', again: false };

export function openTranscript(): Transcript {
  let text = '';
  let written = '';

  function writeOn(): Written {
    const rest = text.slice(written.length);
    written = text;
    return { text: rest, again: false };
  }

  function writeAgain(): Written {
    written = text;
    return { text, again: true };
  }

  return {
    delta(piece) {
      text += piece;
      if (text.startsWith(written)) return writeOn();
      return written.startsWith(text) ? NOTHING : writeAgain();
    },
    reset() {
      text = '';
    },
    end: () => (text === written ? NOTHING : writeAgain()),
    text: () => text,
  };
}
