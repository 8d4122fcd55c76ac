import type { MessageSubmitted } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { toolPrompt } from '../../streams/tool-prompt.ts';
import type { Model } from '../models.ts';
import type { Wanted } from './limiter.ts';

/** Bytes of a token, about: what a message has is counted once it is prepared. */
const BYTES_PER_TOKEN = 3;

/** Returns what a message may use at most, as far as a gateway can tell: its own text, its tools and the longest answer. */
export function wantedBy(message: MessageSubmitted, model: Model): Wanted {
  const { tools } = message.parameters;
  const texts = [
    textOf(message.parts),
    ...message.preceding.map(({ parts }) => textOf(parts)),
    ...(tools === null ? [] : [toolPrompt(tools)]),
  ];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const prompt = Math.ceil(bytes / BYTES_PER_TOKEN);
  const answer = message.parameters.maxTokens;
  const { inputPerMillion, outputPerMillion, currency } = model.price;
  return {
    inferenceId: message.inferenceId,
    messageId: message.eventId,
    tokens: prompt + answer,
    // 10^-9 of the currency a token = price of a million tokens x 1000.
    nanos: Math.ceil(prompt * inputPerMillion * 1000 + answer * outputPerMillion * 1000),
    currency,
  };
}
