import { connect } from '../../client/steno-client.js';
import { sentenceOf } from './answers.ts';
import { createComposer } from './composer.ts';
import { button, element, theElement } from './element.ts';
import { GatewayError, openGateway } from './gateway.ts';
import { createSidebar } from './sidebar.ts';
import { startTheme } from './theme.ts';
import { openThread } from './thread.ts';
import { createThreadView } from './thread-view.ts';

/** The chat page: what a person does goes to the thread, what the thread holds is shown once a frame. */

const STORED_KEY = 'steno-chat-key';
const NOTICE_MS = 8_000;

const notice = theElement('#notice', HTMLElement);
const state = theElement('#state', HTMLElement);
const heading = theElement('#title', HTMLElement);
const sidebarRoot = theElement('#sidebar', HTMLElement);
const keyForm = theElement('#key-form', HTMLFormElement);

let noticeTimer: ReturnType<typeof setTimeout> | undefined;
let isDue = false;
/** The address names a conversation that is not opened yet: it is read before it is written. */
let isStarting = true;

const gateway = openGateway(() => sessionStorage.getItem(STORED_KEY));
const client = connect({
  url: location.origin,
  key: () => sessionStorage.getItem(STORED_KEY) ?? '',
  onConnection: ({ state: connection }) => {
    state.textContent = connection === 'waiting' ? 'The connection is lost; trying again …' : '';
  },
});
const thread = openThread(client, gateway, {
  onChange: showSoon,
  onListed: () => void sidebar.refresh(),
  onProblem: tell,
});
const view = createThreadView(theElement('#thread', HTMLElement), {
  answerAnew: (turn) => doing(thread.answerAnew(turn, composer.model())),
  reword: (turn, text) => doing(thread.reword(turn, text, composer.model())),
  show: (turn) => thread.show(turn),
  judge: (turn, thumb, comment) => doing(thread.judge(turn, thumb, comment)),
  pin: (turn, pinned) => doing(thread.pin(turn, pinned)),
});
const composer = createComposer(theElement('#composer', HTMLElement), {
  send: (text, model, beside) => doing(thread.send(text, model, beside)),
  stop: () => thread.stop(),
});
const sidebar = createSidebar(sidebarRoot, gateway, {
  open(id) {
    setSidebar(false);
    doing(thread.open(id));
    composer.focus();
  },
  begin() {
    setSidebar(false);
    thread.begin();
    composer.focus();
  },
});
const menu = theElement('#menu', HTMLButtonElement);
const rename = button('Rename', startRenaming, { label: 'Rename this conversation' });
const archive = button('Archive', () => doing(thread.archive()), { label: 'Archive this conversation' });
theElement('#about', HTMLElement).append(rename, archive);

function showSoon(): void {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    show();
  });
}

function show(): void {
  const shown = thread.shown();
  const { conversationId, title, path } = shown;
  const isWriting = thread.isWriting();
  view.show(shown);
  composer.setWriting(isWriting);
  sidebar.mark(conversationId);
  heading.textContent = title ?? 'New chat';
  document.title = title === null ? 'Steno chat' : `${title} · Steno`;
  rename.hidden = archive.hidden = conversationId === null;
  // A reader of the screen hears that an answer is there, and not each of its words.
  const words = isWriting ? 'Writing …' : path.length > 0 ? 'The answer is complete.' : '';
  const progress = theElement('#progress', HTMLElement);
  if (progress.textContent !== words) progress.textContent = words;
  const hash = conversationId === null ? '' : `#${conversationId}`;
  if (!isStarting && location.hash !== hash) history.replaceState(null, '', `${location.pathname}${hash}`);
}

function tell(sentence: string): void {
  clearTimeout(noticeTimer);
  notice.textContent = sentence;
  noticeTimer = setTimeout(() => (notice.textContent = ''), NOTICE_MS);
}

function doing(work: Promise<void>): void {
  work.catch((error: unknown) => {
    if (error instanceof GatewayError && error.status === 401) return askForKey();
    tell(sentenceOf(error));
  });
}

function startRenaming(): void {
  const before = heading.textContent;
  const field = element('input', { 'aria-label': 'Name of this conversation', maxlength: '200' });
  field.value = before;
  const close = (): void => {
    form.replaceWith(heading);
    rename.focus();
  };
  const form = element(
    'form',
    {
      class: 'renaming',
      submit(event) {
        event.preventDefault();
        const name = field.value.trim();
        close();
        if (name !== '' && name !== before) doing(thread.rename(name));
      },
      keydown(event) {
        if (event instanceof KeyboardEvent && event.key === 'Escape') close();
      },
    },
    field,
    element('button', { class: 'primary' }, 'Save'),
    button('Cancel', close),
  );
  heading.replaceWith(form);
  field.select();
}

/** On a narrow screen the list lies over the page, and is out of the way of the keyboard while it is not shown. */
function setSidebar(isOpen: boolean): void {
  document.body.classList.toggle('with-sidebar', isOpen);
  menu.setAttribute('aria-expanded', String(isOpen));
}

function askForKey(): void {
  sessionStorage.removeItem(STORED_KEY);
  keyForm.hidden = false;
  theElement('#key', HTMLInputElement).focus();
}

async function start(): Promise<void> {
  composer.offer(await gateway.models());
  keyForm.hidden = true;
  await sidebar.refresh();
  await openNamed();
  composer.focus();
}

/** Opens the conversation that the address names. */
async function openNamed(): Promise<void> {
  const id = location.hash.slice(1);
  isStarting = false;
  if (id === (thread.shown().conversationId ?? '')) return;
  if (id === '') thread.begin();
  else await thread.open(id);
}

keyForm.addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(STORED_KEY, theElement('#key', HTMLInputElement).value.trim());
  theElement('#key-note', HTMLElement).textContent = '';
  start().catch((error: unknown) => {
    theElement('#key-note', HTMLElement).textContent = sentenceOf(error);
  });
});
menu.addEventListener('click', () => setSidebar(!document.body.classList.contains('with-sidebar')));
// What lies beside the list closes it.
theElement('main', HTMLElement).addEventListener('pointerdown', ({ target }) => {
  if (target !== menu) setSidebar(false);
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') setSidebar(false);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  doing(thread.refresh());
  void sidebar.refresh();
});
window.addEventListener('hashchange', () => doing(openNamed()));
startTheme(theElement('#theme', HTMLButtonElement));
show();
doing(start());
