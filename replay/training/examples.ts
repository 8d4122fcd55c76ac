import { chatMessage, type ChatMessage } from '../chat-message.ts';
import type { Explanation } from '../explain/explain.ts';
import { judgementOf, type Judgement } from './judgement.ts';

/** Where an example comes from. */
export type Source = {
  readonly conversationId: string;
  readonly inferenceIds: readonly string[];
  readonly model: string;
  readonly promptHash: string;
  /** What made it one. */
  readonly because: 'good' | 'correction' | 'good and bad';
};

/** An answer to learn from, or two of which one is the better. */
export type Example =
  | {
      readonly kind: 'demonstrations';
      readonly line: { readonly messages: readonly ChatMessage[] };
      readonly source: Source;
    }
  | {
      readonly kind: 'preferences';
      readonly line: {
        readonly prompt: readonly ChatMessage[];
        readonly chosen: readonly ChatMessage[];
        readonly rejected: readonly ChatMessage[];
      };
      readonly source: Source;
    };

export type Examples = {
  readonly examples: readonly Example[];
  /** Judged answers that none was made of, by why. */
  readonly leftOut: ReadonlyMap<string, number>;
};

type Usable = {
  readonly found: Explanation;
  readonly judgement: Judgement;
  readonly prompt: readonly ChatMessage[];
  readonly answer: string;
};

/**
 * Makes examples of the judged answers of one conversation: a good answer or a correction is a demonstration; a correction
 * beside what it corrects, and a good answer beside a bad one to the same prompt, are preferences. `clean` takes out of every text
 * what nobody shall learn. Pure.
 */
export function examplesOf(answers: readonly Explanation[], clean: (text: string) => string): Examples {
  const leftOut = new Map<string, number>();
  const usable: Usable[] = [];
  for (const found of answers) {
    const judgement = judgementOf(found.feedback);
    if (judgement.verdict === 'none' && judgement.correction === null) continue;
    const why = whyNot(found, judgement);
    if (why === null) usable.push(usableOf(found, judgement, clean));
    else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
  }
  return { examples: [...usable.flatMap((one) => corrected(one, clean)), ...contrasted(usable)], leftOut };
}

function whyNot({ end, prompt, asked }: Explanation, { verdict, correction }: Judgement): string | null {
  if (verdict === 'disputed' && correction === null) return 'people disagree';
  if (end === null || end.type !== 'InferenceCompleted') return 'it did not come to its end';
  if (end.text.text === null) return 'its text is sealed or erased';
  if (asked.parameters.tools !== null) return 'it had tools to call';
  if (prompt.verdict.type !== 'same' || prompt.messages === null)
    return 'its prompt cannot be made again byte for byte';
  return null;
}

function usableOf(found: Explanation, judgement: Judgement, clean: (text: string) => string): Usable {
  const prompt = (found.prompt.messages ?? [])
    .map(chatMessage)
    .map(({ role, content }) => ({ role, content: clean(content) }));
  return { found, judgement, prompt, answer: clean(found.end?.text.text ?? '') };
}

function corrected(one: Usable, clean: (text: string) => string): readonly Example[] {
  const { judgement, prompt, answer } = one;
  if (judgement.correction === null)
    return judgement.verdict === 'good' ? [demonstration(one, answer, 'good')] : [];
  const better = clean(judgement.correction);
  const example = demonstration(one, better, 'correction');
  return better === answer ? [example] : [example, preference(prompt, better, answer, example.source)];
}

/** Every bad answer beside the first good one to the same prompt. */
function contrasted(usable: readonly Usable[]): readonly Example[] {
  return usable.flatMap((bad): readonly Example[] => {
    if (bad.judgement.verdict !== 'bad') return [];
    const { recordedHash } = bad.found.prompt;
    const good = usable.find(
      ({ judgement, found }) => judgement.verdict === 'good' && found.prompt.recordedHash === recordedHash,
    );
    if (good === undefined || good.answer === bad.answer) return [];
    const source = sourceOf([good, bad], 'good and bad');
    return [preference(good.prompt, good.answer, bad.answer, source)];
  });
}

function demonstration(one: Usable, answer: string, because: Source['because']): Example {
  return {
    kind: 'demonstrations',
    line: { messages: [...one.prompt, { role: 'assistant', content: answer }] },
    source: sourceOf([one], because),
  };
}

function preference(prompt: readonly ChatMessage[], better: string, worse: string, source: Source): Example {
  const said = (content: string): readonly ChatMessage[] => [{ role: 'assistant', content }];
  return { kind: 'preferences', line: { prompt, chosen: said(better), rejected: said(worse) }, source };
}

function sourceOf(of: readonly [Usable, ...Usable[]], because: Source['because']): Source {
  const [{ found }] = of;
  return {
    conversationId: found.conversationId,
    inferenceIds: of.map((one) => one.found.inferenceId),
    model: found.end?.model ?? '',
    promptHash: found.prompt.recordedHash ?? '',
    because,
  };
}
