import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePort } from '../../infra/kafka/process/free-port.ts';
import { runCommand } from '../../infra/kafka/process/command.ts';
import { CACHE_DIR } from '../../test/support/cache-dir.ts';
import type { PeerProgram } from './peer-program.ts';

const PACKAGE = '@portkey-ai/gateway';
const VERSION = '1.15.2';
/** With 1.14 and later, which npm would choose, Portkey answers every streamed call with 500: its issue 1389. */
const NODE_SERVER = '1.13.8';

const ABOUT = `${PACKAGE} ${VERSION} as shipped, with @hono/node-server ${NODE_SERVER}, on Node ${process.versions.node}`;

/** Portkey's gateway as its package has it, told its backend by the headers of each call. */
export const portkey: PeerProgram = {
  name: 'portkey',
  async start(backendUrl, key) {
    const folder = await install();
    const port = await freePort('127.0.0.1');
    return {
      about: `${ABOUT}${key === null ? '' : '; it has no keys and no limits of its own to turn on'}`,
      command: process.execPath,
      parameters: [
        join(folder, 'node_modules', PACKAGE, 'build', 'start-server.js'),
        `--port=${port}`,
        '--headless',
      ],
      env: { NODE_ENV: 'production' },
      readyUrl: `http://127.0.0.1:${port}/`,
      baseUrl: `http://127.0.0.1:${port}/v1`,
      headers: {
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': backendUrl,
        authorization: 'Bearer none',
      },
      clean: () => Promise.resolve(),
    };
  },
};

/** Returns a folder of the cache directory with the package in it. Throws Error with npm's reason. */
async function install(): Promise<string> {
  const home = join(CACHE_DIR, 'node', `portkey-${VERSION}-${NODE_SERVER}`);
  if (existsSync(home)) return home;
  await mkdir(dirname(home), { recursive: true });
  // Made aside and moved when complete.
  const draft = await mkdtemp(`${home}.`);
  try {
    const manifest = {
      private: true,
      dependencies: { [PACKAGE]: VERSION },
      overrides: { '@hono/node-server': NODE_SERVER },
    };
    await writeFile(join(draft, 'package.json'), JSON.stringify(manifest));
    const parameters = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { code, output } = await runCommand('npm', parameters, { cwd: draft, env: process.env });
    if (code !== 0) throw new Error(`npm install failed: ${output.trim().split('\n').at(0) ?? ''}`);
    await rename(draft, home);
    return home;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
