import { readdirSync, readFileSync } from 'node:fs';
import { readBrowserFile, type BrowserFile } from '../http/browser-file.ts';

const ROOT = new URL('../../', import.meta.url);
const FOLDERS = ['web/chat', 'web/widget', 'client', 'client/session'];
/** Packages that the pages import by name, and where a browser finds them. */
const PACKAGES = ['marked', 'dompurify'] as const;

/**
 * Reads the files of the pages, by their path in the repository: types are left out, and packages named by the address
 * that they are served under, `lib/<package>.js`. Nothing else is changed.
 */
export function readWebFiles(): ReadonlyMap<string, BrowserFile> {
  const files = new Map<string, BrowserFile>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(new URL(folder, ROOT))) {
      const file = name.endsWith('.d.ts') ? null : readBrowserFile(new URL(`${folder}/${name}`, ROOT));
      if (file !== null) files.set(`${folder}/${name}`, { ...file, body: withAddresses(file.body) });
    }
  }
  for (const name of PACKAGES) {
    const file = readBrowserFile(new URL(import.meta.resolve(name)));
    if (file !== null) files.set(`lib/${name}.js`, { ...file, body: withoutMap(file.body) });
  }
  return files;
}

/** Returns the chat page, which loads its parts from under `assets`. */
export function readChatPage(assets: string): string {
  return readFileSync(new URL('web/chat/page.html', ROOT), 'utf8').replaceAll('{{assets}}', assets);
}

function withAddresses(script: string): string {
  return PACKAGES.reduce(
    (text, name) => text.replaceAll(`from '${name}'`, `from '../../lib/${name}.js'`),
    script,
  );
}

/** Their maps are not served. */
function withoutMap(script: string): string {
  return script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}
