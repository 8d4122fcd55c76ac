import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens, type TokensList } from 'marked';
import { button, element } from './element.ts';

/** Shows a growing text as markdown. */
export interface MarkdownView {
  readonly element: HTMLElement;
  /** Shows the text so far. Blocks that did not change keep their elements, and with them what is selected. */
  show(text: string): void;
}

/** Nothing that loads, runs, or looks like the page's own controls. */
const RULES = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'em', 'strong', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a'],
    ...['h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'start', 'class', 'align', 'title'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

const marked = new Marked({
  gfm: true,
  async: false,
  renderer: {
    // What looks like markup is text: a model has no business with the page.
    html: ({ text }) => escape(text),
    // An image would tell its server who reads what; a link is followed by who wants to.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    // The page has headings of its own above.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
    code({ text, lang }) {
      const language = /^[\w+#.-]{1,30}/.exec(lang ?? '')?.[0] ?? '';
      return `<pre><code${language === '' ? '' : ` class="language-${escape(language)}"`}>${escape(text)}\n</code></pre>`;
    },
  },
});

export function createMarkdown(): MarkdownView {
  const root = element('div', { class: 'markdown' });
  let blocks: { readonly raw: string; readonly nodes: readonly ChildNode[] }[] = [];
  let shown = '';

  return {
    element: root,
    show(text) {
      if (text === shown) return;
      shown = text;
      const tokens = levelled(marked.lexer(text));
      const same = blocks.findIndex(({ raw }, index) => tokens[index]?.raw !== raw);
      const kept = same < 0 ? blocks.length : same;
      for (const { nodes } of blocks.slice(kept)) for (const node of nodes) node.remove();
      blocks = blocks.slice(0, kept);
      for (const token of tokens.slice(kept)) {
        const nodes = render(token, tokens);
        root.append(...nodes);
        blocks.push({ raw: token.raw, nodes });
      }
    },
  };
}

/** Headings leave no level out, whatever the model does: who moves by headings finds all of them. */
function levelled(tokens: TokensList): TokensList {
  let last = 0;
  for (const token of tokens) {
    if (token.type !== 'heading') continue;
    const heading = token as Tokens.Heading;
    last = heading.depth = Math.min(heading.depth, last + 1);
  }
  return tokens;
}

function render(token: Token, { links }: TokensList): readonly ChildNode[] {
  const html = marked.parser(Object.assign([token], { links }));
  const fragment = DOMPurify.sanitize(html, RULES);
  for (const link of fragment.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  for (const table of fragment.querySelectorAll('table')) {
    const frame = element('div', { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Table' });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const pre of fragment.querySelectorAll('pre')) decorate(pre);
  return [...fragment.childNodes];
}

/** Gives a block of code its language and a button that copies it. */
function decorate(pre: HTMLPreElement): void {
  const language = /language-(\S+)/.exec(pre.firstElementChild?.className ?? '')?.[1] ?? 'text';
  pre.tabIndex = 0;
  const copy = copyButton('Copy code', () => pre.textContent);
  const head = element('div', { class: 'code-head' }, element('span', {}, language), copy);
  const block = element('div', { class: 'code' });
  pre.replaceWith(block);
  block.append(head, pre);
}

/** A button that copies a text and says that it did. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const made = button(
    'Copy',
    () => {
      navigator.clipboard.writeText(text()).then(
        () => tell('Copied'),
        () => tell('Not allowed'),
      );
    },
    { label },
  );
  function tell(words: string): void {
    made.textContent = words;
    setTimeout(() => (made.textContent = 'Copy'), 1_500);
  }
  return made;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
