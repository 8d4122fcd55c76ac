import { connect, type Answer, type StenoClient } from '../../client/steno-client.js';
import { sentenceOf } from '../chat/answers.ts';
import { element } from '../chat/element.ts';
import { createMarkdown } from '../chat/markdown.ts';
import { WIDGET_STYLE } from './style.ts';

/**
 * `<steno-chat>`: a conversation inside a page of somebody else's. Attributes: `token-url`, an address of the page's own
 * server that answers with a client token, as text or as JSON `{"token": "…"}`; `model`; `greeting`; `label`, the name of
 * the whole. Without `token-url` no key is sent. The gateway is the one that this file came from. A conversation lasts as
 * long as the tab does.
 */
class StenoChat extends HTMLElement {
  #client: StenoClient | null = null;
  #answer: Answer | null = null;
  #conversationId: string | null = null;
  #list = element('div', { class: 'list', role: 'log', tabindex: '0' });
  #text = element('textarea', { rows: '1', 'aria-label': 'Your message', placeholder: 'Write a message' });
  #act = element('button', {}, 'Send');

  connectedCallback(): void {
    if (this.shadowRoot !== null) return;
    const label = this.getAttribute('label') ?? 'Chat';
    this.#list.setAttribute('aria-label', label);
    const form = element('form', { submit: (event) => this.#submit(event) }, this.#text, this.#act);
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.#submit(event);
    });
    const style = new CSSStyleSheet();
    style.replaceSync(WIDGET_STYLE);
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [style];
    root.append(element('section', { 'aria-label': label }, this.#list, form));
    const greeting = this.getAttribute('greeting');
    if (greeting !== null) this.#list.append(element('p', { class: 'answer' }, greeting));
  }

  disconnectedCallback(): void {
    this.#client?.close();
    this.#client = null;
  }

  #submit(event: Event): void {
    event.preventDefault();
    if (this.#answer !== null) return this.#answer.stop();
    const text = this.#text.value.trim();
    if (text === '') return;
    this.#text.value = '';
    void this.#ask(text);
  }

  async #ask(text: string): Promise<void> {
    const markdown = createMarkdown();
    markdown.element.classList.add('answer');
    markdown.element.setAttribute('aria-busy', 'true');
    this.#list.append(element('p', { class: 'question' }, text), markdown.element);
    this.#client ??= connect({ url: new URL(import.meta.url).origin, key: () => this.#token() });
    const model = this.getAttribute('model');
    const answer = this.#client.ask({
      text,
      ...(this.#conversationId === null ? {} : { conversationId: this.#conversationId }),
      ...(model === null ? {} : { model }),
    });
    this.#answer = answer;
    this.#act.textContent = 'Stop';
    try {
      let shown = '';
      for await (const part of answer) {
        if (part.type === 'accepted') this.#conversationId = part.conversationId;
        if (part.type === 'text') shown += part.text;
        if (part.type === 'reset') shown = '';
        markdown.show(shown);
        this.#list.scrollTop = this.#list.scrollHeight;
      }
    } catch (error) {
      this.#list.append(element('p', { class: 'problem', role: 'alert' }, sentenceOf(error)));
    } finally {
      markdown.element.removeAttribute('aria-busy');
      this.#act.textContent = 'Send';
      this.#answer = null;
    }
  }

  async #token(): Promise<string> {
    const address = this.getAttribute('token-url');
    if (address === null) return '';
    const response = await fetch(address, { cache: 'no-store' });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    const text = (await response.text()).trim();
    if (!text.startsWith('{')) return text;
    // Checked by the gateway.
    return (JSON.parse(text) as { readonly token: string }).token;
  }
}

customElements.define('steno-chat', StenoChat);
