import { element } from './element.ts';

const MOST_LINES_PX = 240;
const STORED_MODEL = 'steno-chat-model';

/** Where a person writes, and says who shall answer. */
export interface Composer {
  readonly model: () => string;
  offer(models: readonly string[]): void;
  /** While something is written the button stops it. */
  setWriting(isWriting: boolean): void;
  focus(): void;
}

export function createComposer(
  root: HTMLElement,
  on: {
    readonly send: (text: string, model: string, beside: string | null) => void;
    readonly stop: () => void;
  },
): Composer {
  let isWriting = false;
  const text = element('textarea', {
    ...{ rows: '1', placeholder: 'Write a message', 'aria-label': 'Your message', maxlength: '60000' },
    input: fit,
    keydown(event) {
      if (!(event instanceof KeyboardEvent) || event.isComposing) return;
      if (event.key === 'Escape' && isWriting) on.stop();
      if (event.key !== 'Enter' || event.shiftKey) return;
      event.preventDefault();
      send();
    },
  });
  const model = element('select', {
    'aria-label': 'Model',
    change: () => localStorage.setItem(STORED_MODEL, model.value),
  });
  const beside = element('select', { 'aria-label': 'Second model, side by side' });
  const act = element(
    'button',
    { type: 'button', class: 'primary send', click: () => (isWriting ? on.stop() : send()) },
    'Send',
  );
  root.append(
    text,
    element('div', { class: 'choices' }, label('Model', model), label('Beside', beside), act),
  );

  function send(): void {
    const words = text.value.trim();
    if (words === '' || isWriting || model.value === '') return;
    text.value = '';
    fit();
    on.send(words, model.value, beside.value === '' ? null : beside.value);
  }

  function fit(): void {
    text.style.height = 'auto';
    text.style.height = `${Math.min(text.scrollHeight + 2, MOST_LINES_PX)}px`;
  }

  return {
    model: () => model.value,
    offer(models) {
      const option = (id: string): HTMLOptionElement => element('option', { value: id }, id);
      const before = model.value || localStorage.getItem(STORED_MODEL);
      model.replaceChildren(...models.map(option));
      if (before !== null && models.includes(before)) model.value = before;
      beside.replaceChildren(element('option', { value: '' }, 'nobody'), ...models.map(option));
    },
    setWriting(now) {
      isWriting = now;
      act.textContent = now ? 'Stop' : 'Send';
      act.classList.toggle('stop', now);
    },
    focus: () => text.focus(),
  };
}

function label(words: string, field: HTMLElement): HTMLElement {
  return element('label', {}, element('span', {}, words), field);
}
