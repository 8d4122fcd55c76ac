import { button, element } from './element.ts';
import { copyButton, createMarkdown } from './markdown.ts';
import type { Turn, Turns } from './turns.ts';

/** What a person may ask for at a turn. */
export type TurnActions = {
  readonly answerAnew: (turn: Turn) => void;
  readonly reword: (turn: Turn, text: string) => void;
  readonly show: (turn: Turn) => void;
  readonly judge: (turn: Turn, thumb: 1 | -1 | 0, comment: string | null) => void;
  readonly pin: (turn: Turn, pinned: boolean) => void;
};

/** A turn on the page. */
export interface TurnView {
  readonly element: HTMLElement;
  /** `versions`: what stands in the same place, the turn itself among them. `isBeside`: another model's answer is shown next to it. */
  show(turn: Turn, versions: Turns, isBeside: boolean, isChosen: boolean): void;
}

export function createTurnView(first: Turn, actions: TurnActions): TurnView {
  let turn = first;
  const markdown = createMarkdown();
  const question = element('div', { class: 'question-text' });
  const edit = button('Edit', startEditing, { label: 'Edit this message' });
  const asked = element('div', { class: 'question' }, question, element('div', { class: 'tools' }, edit));
  const problem = element('p', { class: 'problem', role: 'alert' });
  const waiting = element(
    'p',
    { class: 'waiting' },
    element('span', {}),
    element('span', {}),
    element('span', {}),
  );
  const who = element('h2', { class: 'who' });
  const facts = element('span', { class: 'facts' });
  const versionsNav = element('span', { class: 'versions', role: 'group', 'aria-label': 'Versions' });
  const good = button('Good', () => judge(1), { label: 'Good answer' });
  const bad = button('Bad', () => judge(-1), { label: 'Bad answer' });
  const pin = button('Pin', () => actions.pin(turn, !turn.pinned), {
    label: 'Pin: keep this in later prompts',
  });
  const choose = button('Continue with this one', () => actions.show(turn), { className: 'choose' });
  const tools = element(
    'div',
    { class: 'tools', role: 'group', 'aria-label': 'About this answer' },
    versionsNav,
    copyButton('Copy answer', () => turn.answer),
    button('Again', () => actions.answerAnew(turn), { label: 'Again: write another answer' }),
    good,
    bad,
    pin,
    facts,
  );
  const comment = element('textarea', {
    rows: '2',
    maxlength: '20000',
    'aria-label': 'What was good or bad about it?',
  });
  const commentForm = element(
    'form',
    { class: 'comment', hidden: true, submit: sendComment },
    comment,
    element('button', {}, 'Send comment'),
    button('Close', () => (commentForm.hidden = true)),
  );
  const answer = element(
    'div',
    { class: 'answer' },
    who,
    waiting,
    markdown.element,
    problem,
    tools,
    commentForm,
    choose,
  );
  const root = element('article', { class: 'turn' }, asked, answer);

  function judge(thumb: 1 | -1): void {
    const next = turn.thumb === thumb ? 0 : thumb;
    actions.judge(turn, next, null);
    commentForm.hidden = next === 0;
    if (next !== 0) comment.focus();
  }

  function sendComment(event: Event): void {
    event.preventDefault();
    const text = comment.value.trim();
    if (text !== '') actions.judge(turn, turn.thumb, text);
    comment.value = '';
    commentForm.hidden = true;
  }

  function startEditing(): void {
    const text = element('textarea', { rows: '3', 'aria-label': 'Your message' });
    text.value = turn.question;
    const close = (): void => {
      form.replaceWith(asked);
      edit.focus();
    };
    const form = element(
      'form',
      {
        class: 'editing',
        submit(event) {
          event.preventDefault();
          const words = text.value.trim();
          close();
          if (words !== '' && words !== turn.question) actions.reword(turn, words);
        },
        keydown(event) {
          if (event instanceof KeyboardEvent && event.key === 'Escape') close();
        },
      },
      text,
      element('button', { class: 'primary' }, 'Send'),
      button('Cancel', close),
    );
    asked.replaceWith(form);
    text.focus();
  }

  return {
    element: root,
    show(now, versions, isBeside, isChosen) {
      turn = now;
      const isWriting = now.status === 'sending' || now.status === 'running';
      root.setAttribute(
        'aria-label',
        `${isBeside ? `Answer of ${now.model ?? 'a model'}` : 'Turn'}: ${now.question.slice(0, 60)}`,
      );
      root.classList.toggle('beside', isBeside);
      root.classList.toggle('chosen', isBeside && isChosen);
      root.setAttribute('aria-busy', String(isWriting));
      asked.hidden = isBeside && now.besideId !== null;
      question.textContent = now.question;
      edit.hidden = isWriting;
      who.textContent = now.model ?? 'Steno';
      markdown.show(now.answer);
      waiting.hidden = !isWriting || now.answer !== '';
      problem.textContent = problemOf(now);
      problem.hidden = problem.textContent === '';
      // The room of the tools is there from the beginning: nothing moves when they come.
      tools.classList.toggle('unready', isWriting || now.messageId === null);
      good.setAttribute('aria-pressed', String(now.thumb === 1));
      bad.setAttribute('aria-pressed', String(now.thumb === -1));
      pin.setAttribute('aria-pressed', String(now.pinned));
      facts.textContent = isWriting ? '' : factsOf(now);
      choose.hidden = !isBeside || isWriting;
      choose.setAttribute('aria-pressed', String(isChosen));
      showVersions(now, isBeside ? [] : versions);
    },
  };

  function showVersions(now: Turn, versions: Turns): void {
    const place = versions.findIndex(({ key }) => key === now.key);
    versionsNav.hidden = versions.length < 2;
    if (versions.length < 2) return versionsNav.replaceChildren();
    const go = (step: number, text: string, label: string): HTMLButtonElement => {
      const target = versions[place + step];
      const made = button(text, () => target !== undefined && actions.show(target), { label });
      made.disabled = target === undefined;
      return made;
    };
    versionsNav.replaceChildren(
      go(-1, '‹', 'Earlier version'),
      element('span', {}, `${place + 1} / ${versions.length}`),
      go(1, '›', 'Later version'),
    );
  }
}

function problemOf({ status, problem, answer, finishReason, completionTokens }: Turn): string {
  if (status === 'failed') return problem ?? 'The answer failed.';
  if (status === 'cancelled') return answer === '' ? 'Stopped before it began.' : 'Stopped.';
  if (finishReason === 'length') return `Cut at the limit of ${completionTokens ?? 'its'} tokens.`;
  return '';
}

function factsOf({ firstMillis, totalMillis, promptTokens, completionTokens }: Turn): string {
  return [
    firstMillis === null ? '' : `first token ${seconds(firstMillis)}`,
    totalMillis === null ? '' : `${seconds(totalMillis)} in all`,
    completionTokens === null ? '' : `${promptTokens ?? 0} + ${completionTokens} tokens`,
  ]
    .filter((fact) => fact !== '')
    .join(' · ');
}

function seconds(millis: number): string {
  return millis < 1_000 ? `${Math.max(0, Math.round(millis))} ms` : `${(millis / 1_000).toFixed(1)} s`;
}
