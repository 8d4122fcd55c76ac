import type { Explanation, PromptVerdict } from '../../replay/explain/explain.ts';
import { entryLines, messageLines, section, type Line } from './render-prompt.ts';

/** What a program gets: all of it, without words unless they are asked for. */
export function explanationJson(found: Explanation, withWords: boolean): object {
  const { messages, ...prompt } = found.prompt;
  const end = found.end === null ? null : { ...found.end, text: withWords ? found.end.text : undefined };
  const { parameters } = found.asked;
  return {
    ...found,
    asked: {
      ...found.asked,
      parameters: withWords ? parameters : { ...parameters, stop: parameters.stop.length },
    },
    prompt: { ...prompt, ...(withWords ? { messages } : {}) },
    end,
    feedback: found.feedback.map(({ comment, correction, ...judged }) => ({
      ...judged,
      ...(withWords ? { comment, correction } : {}),
    })),
  };
}

/** What a person reads: a heading and its lines for each part. Times are UTC, by the broker's clock. */
export function renderExplanation(found: Explanation, withWords: boolean): string {
  return [
    section(`Answer ${found.inferenceId}`, [
      ['conversation', found.conversationId],
      ['message', found.messageId],
      ...askedLines(found),
    ]),
    section('Prompt', promptLines(found, withWords)),
    section('Attempts', attemptLines(found)),
    section('End', endLines(found, withWords)),
    ...usageSection(found),
    ...smallSections(found, withWords),
    section(
      'Chain (UTC, broker)',
      found.chain.map((link) => [
        utc(link.time),
        `${link.type}  ${link.topic} ${link.partition}@${link.offset}${link.causedBy === null ? '' : `  because of ${link.causedBy}`}`,
      ]),
    ),
  ].join('\n\n');
}

function askedLines({ asked }: Explanation): readonly Line[] {
  const { route, parameters } = asked;
  const key = asked.keyId === null ? 'without a key' : `key ${asked.keyId}`;
  const tools =
    parameters.tools === null ? '' : `, tools ${parameters.tools.tools.map(({ name }) => name).join(' ')}`;
  const format = parameters.format === null ? '' : `, JSON ${parameters.format.name || 'of any kind'}`;
  return [
    ['asked by', `${asked.principal} of ${asked.tenantId}, ${key}, over ${asked.transport} (${asked.kind})`],
    ['asked at', utc(asked.time)],
    ['route', `${route.model} in pool ${route.pool}, tier ${route.tier}${fallbacksText(route.fallbacks)}`],
    [
      'configuration',
      `${asked.configVersion}${asked.template === null ? '' : `, instructions of route ${asked.template}`}`,
    ],
    [
      'parameters',
      `at most ${parameters.maxTokens} tokens, temperature ${parameters.temperature}, top_p ${parameters.topP}, seed ${parameters.seed ?? 'none'}${format}${tools}`,
    ],
  ];
}

function fallbacksText(fallbacks: readonly string[]): string {
  return fallbacks.length === 0 ? '' : `, else ${fallbacks.join(', ')}`;
}

function promptLines({ prompt }: Explanation, withWords: boolean): readonly Line[] {
  const words = withWords ? (prompt.messages ?? []) : [];
  return [
    ['made again', verdictText(prompt.verdict)],
    ['hash', prompt.recordedHash ?? 'none recorded'],
    ...(prompt.verdict.type === 'different' ? [['hash now', prompt.rebuiltHash ?? ''] as const] : []),
    ['room', `${prompt.tokens ?? '?'} of ${prompt.budgetTokens ?? '?'} tokens, by estimate`],
    ...entryLines(prompt.entries),
    ...messageLines(words),
  ];
}

function verdictText(verdict: PromptVerdict): string {
  if (verdict.type === 'same') return 'the same, byte for byte';
  if (verdict.type === 'not compared') return `not compared: ${verdict.why}`;
  return verdict.manifest === 'same'
    ? 'DIFFERENT, though the same was chosen: another version of the program made it'
    : 'DIFFERENT: something else was chosen; limits of the context may have been changed since';
}

function attemptLines({ attempts }: Explanation): readonly Line[] {
  if (attempts.length === 0)
    return [['none', 'known: deltas are kept for a while only, and no worker took over']];
  return attempts.map(({ attempt, reason, workerId, engine, model, time }) => [
    String(attempt),
    `${reason} by ${workerId}, ${engine} ${model}, ${utc(time)}`,
  ]);
}

function endLines({ end }: Explanation, withWords: boolean): readonly Line[] {
  if (end === null) return [['none', 'it runs, or waits']];
  return [
    ['how', `${end.type} (${end.how}), attempt ${end.attempt}, ${utc(end.time)}`],
    [
      'model',
      `${end.model}, ${end.engine}, file ${short(end.modelHash)}, template ${short(end.templateHash)}`,
    ],
    ['prepared by', `version ${end.codeVersion}`],
    ['tokens', `${end.promptTokens} read (${end.cachedTokens} kept), ${end.completionTokens} written`],
    [
      'stream',
      `${end.deltas} deltas, ${end.textBytes} bytes, first after ${end.firstDeltaMillis ?? '?'} ms, SHA-256 ${end.textHash}`,
    ],
    ...(withWords ? [['answer', end.text.text ?? '(sealed or erased)'] as const] : []),
  ];
}

function usageSection({ usage }: Explanation): readonly string[] {
  const lines = usage.map((used): Line => {
    const cost = used.cost === null ? 'free' : `${used.cost} ${used.currency}`;
    const counted = `${used.promptTokens} + ${used.completionTokens} tokens`;
    return [
      String(used.attempt),
      `${used.model}: ${counted}, ${cost}${used.estimated ? ', estimated' : ''} (${used.outcome})`,
    ];
  });
  return lines.length === 0 ? [] : [section('Use, by attempt', lines)];
}

function smallSections({ guards, scores, feedback }: Explanation, withWords: boolean): readonly string[] {
  const sections: (readonly [string, readonly Line[]])[] = [
    ['Guards', guards.map(({ guard, action, findings }): Line => [guard, `${action}: ${findings}`])],
    ['Scores', scores.map(({ scorer, metric, value }): Line => [metric, `${value} by ${scorer}`])],
    [
      'Feedback',
      feedback.map(({ principal, thumb, rating, labels, comment, time }): Line => {
        const thumbs = thumb === 0 ? [] : [thumb > 0 ? 'thumb up' : 'thumb down'];
        const said = withWords && comment !== null ? [comment.text ?? '(sealed)'] : [];
        const rated = rating === null ? [] : [`${rating} of 5`];
        return [principal, [...thumbs, ...rated, ...labels, ...said, utc(time)].join(', ')];
      }),
    ],
  ];
  return sections.flatMap(([title, lines]) => (lines.length === 0 ? [] : [section(title, lines)]));
}

function short(hash: string): string {
  return hash === '' ? 'none' : hash.slice(0, 16);
}

function utc(millis: number): string {
  return new Date(millis).toISOString();
}
