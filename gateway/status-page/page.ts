import { readBrowserFile, type BrowserFile } from '../http/browser-file.ts';
import { escape } from './markup.ts';
import { renderStatus } from './render-status.ts';
import type { Status } from './status.ts';

/** Files of the page, as a browser takes them: types are left out, nothing else is changed. */
export const pageFiles = ['page.css', 'live.js', 'render-status.ts', 'charts.ts', 'markup.ts'] as const;

type PageFile = (typeof pageFiles)[number];

/** Everything comes from here: no inline script or style runs, and nobody frames the page. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

export function readPageFile(name: PageFile): BrowserFile {
  const file = readBrowserFile(new URL(name, import.meta.url));
  if (file === null) throw new Error(`${name} is no file of a page`);
  return file;
}

/** The page, complete without any script; `status` null asks for a key instead. `version`: of its files. */
export function renderPage(status: Status | null, version: string): string {
  const refresh = status === null ? '' : '<noscript><meta http-equiv="refresh" content="5"></noscript>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Steno: status</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/status/${version}/page.css">
<script type="module" src="/status/${version}/live.js"></script>
</head>
<body>
<header><h1>Steno</h1>${status === null ? '' : `<span>${escape(status.version)}</span>`}<span id="notice" role="status"></span><nav><a href="/chat">Chat</a><a href="/openapi.json">API</a><a href="/asyncapi.json">Events</a><a href="/metrics">Metrics</a></nav></header>
${status === null ? KEY_FORM : ''}
<main id="status">${status === null ? '' : renderStatus(status)}</main>
</body>
</html>
`;
}

const KEY_FORM = `<form id="key-form">
<p><label for="key">This gateway shows its status to those who have one of its API keys.</label></p>
<p><input id="key" name="key" type="password" autocomplete="off" required> <button>Show</button></p>
<noscript><p>Without scripts: send the key as a header, <code>Authorization: Bearer …</code>, to this address or to /status.json.</p></noscript>
</form>`;
