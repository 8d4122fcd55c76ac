import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

type WebFile = { readonly body: string; readonly type: string };

const ROOT = new URL('../../', import.meta.url);
const FOLDERS = ['web/chat', 'web/widget', 'client', 'client/session'];
/** Packages that the pages import by name, and where a browser finds them. */
const PACKAGES = ['marked', 'dompurify'] as const;

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
};

/**
 * Reads the files of the pages, by their path in the repository: types are left out, and packages named by the address
 * that they are served under, `lib/<package>.js`. Nothing else is changed.
 */
export function readWebFiles(): ReadonlyMap<string, WebFile> {
  const files = new Map<string, WebFile>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(new URL(folder, ROOT))) {
      const type = TYPES[name.split('.').at(-1) ?? ''];
      if (type === undefined || name.endsWith('.d.ts')) continue;
      const text = readFileSync(new URL(`${folder}/${name}`, ROOT), 'utf8');
      files.set(`${folder}/${name}`, { type, body: name.endsWith('.ts') ? asJavaScript(text) : text });
    }
  }
  for (const name of PACKAGES)
    files.set(`lib/${name}.js`, { type: TYPES['js'] ?? '', body: withoutMap(readPackage(name)) });
  return files;
}

/** Returns the chat page, which loads its parts from under `assets`. */
export function readChatPage(assets: string): string {
  return readFileSync(new URL('web/chat/page.html', ROOT), 'utf8').replaceAll('{{assets}}', assets);
}

function asJavaScript(text: string): string {
  let script = stripTypeScriptTypes(text);
  for (const name of PACKAGES) script = script.replaceAll(`from '${name}'`, `from '../../lib/${name}.js'`);
  return script;
}

function readPackage(name: string): string {
  return readFileSync(new URL(import.meta.resolve(name)), 'utf8');
}

/** Their maps are not served. */
function withoutMap(script: string): string {
  return script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}
