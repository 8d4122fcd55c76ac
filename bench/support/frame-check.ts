import { VoidRun } from './void-run.ts';

type Frame = Readonly<Record<string, unknown>>;

/** Holds the frames of one answer against what it must be: no delta lost, doubled, out of order or with other bytes. */
export class FrameCheck {
  readonly #question: string;
  readonly #answer: string;
  #inferenceId: string | null = null;
  #text = '';
  #nextSeq = 0;

  constructor(question: string, answer: string) {
    this.#question = question;
    this.#answer = answer;
  }

  get deltas(): number {
    return this.#nextSeq;
  }

  /** Takes the next frame and says what it was. Throws VoidRun if it may not come now. */
  take(frame: Frame): 'accepted' | 'delta' | 'done' {
    const { type } = frame;
    if (type === 'accepted' && this.#inferenceId === null) {
      this.#inferenceId = String(frame['inference_id']);
      return 'accepted';
    }
    if (this.#inferenceId === null || frame['inference_id'] !== this.#inferenceId) {
      throw this.#void(`a frame of no question that is open: ${JSON.stringify(frame)}`);
    }
    if (type === 'delta') {
      if (frame['seq'] !== this.#nextSeq) {
        throw this.#void(`delta ${String(frame['seq'])} came where ${this.#nextSeq} was due`);
      }
      this.#nextSeq += 1;
      this.#text += String(frame['text']);
      return 'delta';
    }
    if (type === 'done') {
      if (frame['outcome'] !== 'completed') throw this.#void(`it ended as ${String(frame['outcome'])}`);
      if (this.#text !== this.#answer) throw this.#void(`the text is "${this.#text}", not "${this.#answer}"`);
      return 'done';
    }
    throw this.#void(`the frame ${JSON.stringify(frame)}`);
  }

  #void(why: string): VoidRun {
    return new VoidRun(`the answer to "${this.#question}" is not right: ${why}`);
  }
}
