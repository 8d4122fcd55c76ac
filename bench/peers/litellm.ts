import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../infra/kafka/process/free-port.ts';
import { pythonEnvironment } from '../../test/support/python-environment.ts';
import type { PeerProgram } from './peer-program.ts';

const VERSION = '1.109.1';

/**
 * LiteLLM's proxy with the settings that its documentation recommends for production: a worker for each core, errors
 * only in the log, no `.env`; without a database, callbacks and keys.
 * Source: docs.litellm.ai, "Best Practices for Production".
 */
export const litellm: PeerProgram = {
  name: 'litellm',
  about: `LiteLLM ${VERSION}: ${availableParallelism()} workers, LITELLM_MODE=PRODUCTION, LITELLM_LOG=ERROR, no database, no callbacks, no keys`,
  async start(backendUrl) {
    const python = await pythonEnvironment({
      name: 'litellm',
      packages: [`litellm[proxy]==${VERSION}`],
      // The newest release asks for the newest of these, which not every index has yet. None has a part in what is
      // measured: certificates, migrations of a database, and what needs a licence.
      overrides: ['certifi>=2026.1.4', 'litellm-proxy-extras>=0.4.100', 'litellm-enterprise>=0.1.50'],
    });
    const directory = await mkdtemp(join(tmpdir(), 'steno-litellm-'));
    const config = join(directory, 'config.yaml');
    await writeFile(config, configText(backendUrl));
    const port = await freePort('127.0.0.1');
    return {
      command: python,
      parameters: [
        ...['-c', 'from litellm import run_server; run_server()', '--config', config],
        ...['--host', '127.0.0.1', '--port', String(port), '--num_workers', String(availableParallelism())],
        // Importing it takes long on a busy machine, and a worker that does not answer meanwhile would be replaced.
        ...['--timeout_worker_healthcheck', '120'],
      ],
      env: {
        LITELLM_MODE: 'PRODUCTION',
        LITELLM_LOG: 'ERROR',
        LITELLM_LOCAL_MODEL_COST_MAP: 'True',
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
      },
      readyUrl: `http://127.0.0.1:${port}/health/liveliness`,
      baseUrl: `http://127.0.0.1:${port}/v1`,
      headers: {},
      clean: () => rm(directory, { recursive: true, force: true }),
    };
  },
};

function configText(backendUrl: string): string {
  return `model_list:
  - model_name: scripted
    litellm_params:
      model: openai/scripted
      api_base: ${backendUrl}
      api_key: none
litellm_settings:
  set_verbose: false
  json_logs: true
  request_timeout: 60
`;
}
