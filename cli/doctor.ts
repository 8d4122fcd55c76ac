import { Command } from 'commander';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { checkCluster } from './doctor/cluster.ts';
import { check, ok, renderFindings, type Finding } from './doctor/finding.ts';
import { checkMachine } from './doctor/machine.ts';
import { checkModel } from './doctor/model.ts';
import { findModelFile } from './models/find-model-file.ts';
import { checkRoles } from './doctor/roles.ts';
import { findInstallation } from './installation.ts';

const HELP = `
Each line is ok, problem or not run. A problem names its cause and what to do; "not run" says why there was nothing to
check. Nothing is started, fetched or changed.

Examples:
  $ steno doctor
  $ steno doctor --json | jq '.[] | select(.status == "problem")'

Exit status: 0 no problem, 1 a problem, 2 wrong usage.
`;

/** `steno doctor`: checks everything that can be checked and says what to do about the rest. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what this machine and this installation need, one line each')
    .option('--json', 'the same for programs', false)
    .addHelpText('after', HELP)
    .action(async ({ json }: { readonly json: boolean }) => {
      const findings = await examine();
      process.stdout.write(`${json ? JSON.stringify(findings, null, 2) : renderFindings(findings)}\n`);
      process.exitCode = findings.some(({ status }) => status === 'problem') ? 1 : 0;
    });
}

async function examine(): Promise<readonly Finding[]> {
  const env = processEnvironment();
  const settings = await check('settings', async () => {
    const { catalogue } = await configuredModels(parseConfig(env));
    return ok(`read, with ${catalogue.models.length} models`);
  });
  // Without settings nobody knows where to look.
  if (settings.status !== 'ok') return [settings];
  const config = parseConfig(env);
  const [installation, models] = await Promise.all([findInstallation(config), configuredModels(config)]);
  const { defaultModel } = models;
  const isHere = defaultModel.fileName === null || (await findModelFile(defaultModel, config)) !== null;
  const [machine, model, cluster] = await Promise.all([
    Promise.all(checkMachine(installation, env, { bytes: defaultModel.sizeBytes ?? 0, isHere })),
    check('model', () => checkModel(defaultModel, config)),
    checkCluster(installation, models.pools),
  ]);
  const isClusterUp = cluster.every(
    ({ name, status }) => status === 'ok' || (name !== 'broker' && name !== 'registry'),
  );
  const roles = await checkRoles(installation, isClusterUp, () => Date.now());
  return [settings, ...machine, model, ...cluster, ...roles];
}
