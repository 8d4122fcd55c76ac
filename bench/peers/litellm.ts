import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../infra/kafka/process/free-port.ts';
import { pythonEnvironment } from '../../test/support/python-environment.ts';
import type { PeerProgram } from './peer-program.ts';

const VERSION = '1.109.1';
const ABOUT = `LiteLLM ${VERSION}: ${availableParallelism()} workers, LITELLM_MODE=PRODUCTION, LITELLM_LOG=ERROR, no database, no callbacks`;

/**
 * LiteLLM's proxy with the settings that its documentation recommends for production: a worker for each core, errors
 * only in the log, no `.env`; without a database and callbacks.
 * Source: docs.litellm.ai, "Best Practices for Production".
 */
export const litellm: PeerProgram = {
  name: 'litellm',
  async start(backendUrl, key) {
    const python = await pythonEnvironment({
      name: 'litellm',
      packages: [`litellm[proxy]==${VERSION}`],
      // The newest release asks for the newest of these, which not every index has yet. None has a part in what is
      // measured: certificates, migrations of a database, and what needs a licence.
      overrides: ['certifi>=2026.1.4', 'litellm-proxy-extras>=0.4.100', 'litellm-enterprise>=0.1.50'],
    });
    const directory = await mkdtemp(join(tmpdir(), 'steno-litellm-'));
    const config = join(directory, 'config.yaml');
    await writeFile(config, configText(backendUrl, key));
    const port = await freePort('127.0.0.1');
    return {
      about: `${ABOUT}, ${key === null ? 'no keys' : 'a master key, requests and tokens per minute counted for the model; limits per key need its database'}`,
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
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      clean: () => rm(directory, { recursive: true, force: true }),
    };
  },
};

function configText(backendUrl: string, key: string | null): string {
  const limits = key === null ? '' : '      rpm: 10000000\n      tpm: 10000000000\n';
  const guarded =
    key === null
      ? ''
      : `general_settings:\n  master_key: ${key}\nrouter_settings:\n  enable_pre_call_checks: true\n`;
  return `model_list:
  - model_name: scripted
    litellm_params:
      model: openai/scripted
      api_base: ${backendUrl}
      api_key: none
${limits}litellm_settings:
  set_verbose: false
  json_logs: true
  request_timeout: 60
${guarded}`;
}
