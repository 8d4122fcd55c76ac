import { createStaticFiles } from '../http/static-files.ts';
import type { Exchange, Handlers, Reply } from '../http/exchange.ts';
import { notFound } from '../locate.ts';
import { readChatPage, readWebFiles } from './web-files.ts';

/**
 * Everything comes from here, no image from anywhere else; no inline script or style runs, nobody frames the page, and
 * markup becomes elements through the sanitiser alone.
 */
const PAGE_POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:'],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", 'trusted-types dompurify'],
].join('; ');

/** The pages that people look at. They hold nothing of anybody: what is said is asked for with a key. */
export function webHandlers(): Pick<Handlers, 'chatPage' | 'widget' | 'webFile' | 'innerWebFile'> {
  const files = createStaticFiles(readWebFiles());
  const assets = `/assets/${files.version}`;
  const page = readChatPage(assets);
  const widget = `import '.${assets}/web/widget/steno-chat.ts';\n`;

  async function reply(version: string, name: string, exchange: Exchange): Promise<Reply> {
    const found = await files.reply(version, name, exchange.header('accept-encoding'));
    if (found === null) throw notFound('file');
    // Pages of other origins are answered otherwise than the gateway's own.
    return { ...found, headers: { ...found.headers, vary: 'accept-encoding, origin' } };
  }

  return {
    chatPage: async () => ({
      ...{ status: 200, body: page, type: 'text/html; charset=utf-8' },
      headers: { 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-cache' },
    }),
    widget: async () => ({
      ...{ status: 200, body: widget, type: 'text/javascript; charset=utf-8' },
      headers: { 'cache-control': 'no-cache' },
    }),
    webFile: ({ params: { version, folder, file } }, exchange) =>
      reply(version, `${folder}/${file}`, exchange),
    innerWebFile: ({ params: { version, folder, inner, file } }, exchange) =>
      reply(version, `${folder}/${inner}/${file}`, exchange),
  };
}
