import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

export type BrowserFile = { readonly body: string; readonly type: string };

const SCRIPT = 'text/javascript; charset=utf-8';
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: SCRIPT,
  mjs: SCRIPT,
  ts: SCRIPT,
};

/** Reads a file as a browser takes it: types are left out, nothing else is changed. Null for what is none of a page. */
export function readBrowserFile(url: URL): BrowserFile | null {
  const type = TYPES[url.pathname.split('.').at(-1) ?? ''];
  if (type === undefined) return null;
  const text = readFileSync(url, 'utf8');
  return { body: url.pathname.endsWith('.ts') ? stripTypeScriptTypes(text) : text, type };
}
