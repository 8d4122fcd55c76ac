import { renderStatus } from './render-status.ts';

/** Keeps the page fresh. Where a key is needed it is asked for and kept only as long as the page is open. */

const EVERY_MS = 2_000;
const content = document.querySelector('#status');
const notice = document.querySelector('#notice');
const form = document.querySelector('#key-form');
let key = '';

async function refresh() {
  if (document.hidden || (form !== null && key === '')) return;
  try {
    const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch('/status.json', { headers, cache: 'no-store' });
    if (response.status === 401) return tell('This key is not valid.');
    if (!response.ok) return tell(`The gateway answered ${response.status}.`);
    content.innerHTML = renderStatus(await response.json());
    content.classList.remove('stale');
    if (form !== null) form.hidden = true;
    notice.textContent = '';
  } catch {
    tell('The gateway does not answer. What is shown is as it was.');
  }
}

function tell(words) {
  notice.textContent = words;
  content.classList.add('stale');
}

form?.addEventListener('submit', (event) => {
  event.preventDefault();
  key = new FormData(form).get('key').trim();
  void refresh();
});
document.addEventListener('visibilitychange', () => void refresh());

async function keepFresh() {
  await refresh();
  setTimeout(() => void keepFresh(), EVERY_MS);
}
setTimeout(() => void keepFresh(), EVERY_MS);
