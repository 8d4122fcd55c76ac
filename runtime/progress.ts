/** One long step of work, shown to a person while it runs. */
export interface Step {
  /** Reports how far the step is, in the step's own unit (bytes for downloads). */
  update(done: number, total?: number): void;
  /** Ends the step; `note` is printed beside it ("54 MB in 6 s"). */
  finish(note?: string): void;
  fail(note: string): void;
}

/** Where long work tells a person how far it is: a bar on a terminal, plain lines elsewhere. */
export interface Progress {
  step(title: string): Step;
  /** A line of its own. */
  line(text: string): void;
}

/** Shows nothing: for processes whose supervisor has shown it already. */
export const silentProgress: Progress = {
  step: () => ({ update: () => undefined, finish: () => undefined, fail: () => undefined }),
  line: () => undefined,
};
