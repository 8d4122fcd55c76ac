import type { ChatHistoryItem, ChatWrapper, LlamaModel, Token } from 'node-llama-cpp';
import { JinjaTemplateChatWrapper, resolveChatWrapper } from 'node-llama-cpp';
import { toolPrompt } from '../../../streams/tool-prompt.ts';
import type { Prompt, PromptMessage } from '../../engine.ts';

/** Writes prompts the way one model was trained to read them. */
export interface ChatPrompt {
  /** Token ids of the messages, up to and with the opening of the answer. Text of a message never becomes a special token. */
  tokens(prompt: Pick<Prompt, 'messages' | 'tools'>): Token[];
  /** Tokens that end the model's turn, beside those its file marks as end of generation. */
  readonly endTokens: ReadonlySet<Token>;
}

/** The model's own chat template rules; a model without one gets the library's guess. */
export function createChatPrompt(model: LlamaModel): ChatPrompt {
  const wrapper = chooseWrapper(model);
  const render = (messages: readonly PromptMessage[]): ReturnType<ChatWrapper['generateContextState']> =>
    wrapper.generateContextState({
      chatHistory: [...messages.map(historyItem), { type: 'model', response: [''] }],
    });
  return {
    tokens: (prompt) => render(withTools(prompt)).contextText.tokenize(model.tokenizer),
    endTokens: endTokens(model, render([{ role: 'user', text: 'a' }]).stopGenerationTriggers),
  };
}

/**
 * Tells of tools in the first system message, as Hermes' and Qwen's own templates do; results are what the user says, in the
 * marks of the same templates.
 */
function withTools({ messages, tools }: Pick<Prompt, 'messages' | 'tools'>): readonly PromptMessage[] {
  const said = messages.map((message) => (message.role === 'tool' ? result(message) : message));
  if (tools === null) return said;
  const [first, ...others] = said;
  const told = toolPrompt(tools);
  if (first?.role !== 'system') return [{ role: 'system', text: told }, ...said];
  return [{ role: 'system', text: `${first.text}\n\n${told}` }, ...others];
}

function result({ text, parts = [] }: PromptMessage): PromptMessage {
  const results = parts.flatMap(({ toolResult }) => (toolResult === null ? [] : [toolResult]));
  const texts = results.length === 0 ? [text] : results.map(({ content }) => content.text ?? '');
  const marked = texts.map((one) => `<tool_response>\n${one}\n</tool_response>`);
  return { role: 'user', text: marked.join('\n') };
}

/** The file's template is asked first: the library's named wrapper for ChatML, for one, writes a second start token. */
function chooseWrapper(model: LlamaModel): ChatWrapper {
  const template = model.fileInfo.metadata.tokenizer.chat_template;
  if (template !== undefined && template !== '') {
    try {
      return new JinjaTemplateChatWrapper({
        template,
        tokenizer: model.tokenizer,
        joinAdjacentMessagesOfTheSameType: false,
        trimLeadingWhitespaceInResponses: false,
      });
    } catch {
      // A template that the Jinja engine cannot run: the guess below reads the same file's other marks.
    }
  }
  return resolveChatWrapper(model, { warningLogs: false });
}

function historyItem(message: PromptMessage): ChatHistoryItem {
  if (message.role === 'assistant') return { type: 'model', response: [message.text] };
  if (message.role === 'system') return { type: 'system', text: message.text };
  return { type: 'user', text: message.text };
}

type Triggers = ReturnType<ChatWrapper['generateContextState']>['stopGenerationTriggers'];

function endTokens(model: LlamaModel, triggers: Triggers): ReadonlySet<Token> {
  const first = triggers.map((trigger) => trigger.tokenize(model.tokenizer)[0]);
  return new Set(first.filter((token) => token !== undefined && model.isSpecialToken(token)) as Token[]);
}
