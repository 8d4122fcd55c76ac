import { z } from 'zod';

/** What `package.json` says, as far as it is judged. */
export const manifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** What `package-lock.json` says of each package, by its path. */
export const lockSchema = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      optional: z.boolean().default(false),
    }),
  ),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Lock = z.infer<typeof lockSchema>;

export type Judgement = { readonly problems: readonly string[]; readonly notes: readonly string[] };

/** Licences that ask for their text to be kept and for nothing else. */
const LICENCES = new Set([
  ...['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', '0BSD'],
]);
/** Packages whose licence asks for more, and why that is nothing here. */
const ALLOWED: Readonly<Record<string, string>> = {
  // Asks for the source of changed files of its own; tests run it as it is, and nobody is given it.
  'axe-core': 'MPL-2.0',
};
/** Licences that a package states in its LICENSE file and not in its manifest. */
const STATED_ELSEWHERE: Readonly<Record<string, string>> = {
  '@kafkajs/confluent-schema-registry': 'MIT',
};
const EXACT = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;

/**
 * Judges what is installed: direct dependencies are pinned exactly, every package is known by its hash and may be used
 * under its licence. Of optional packages for other machines nothing may be known here: that is noted.
 */
export function judgeDependencies(manifest: Manifest, lock: Lock): Judgement {
  const direct = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  const problems = direct
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${name} is asked for as "${version}": pin one version`);
  const unknown: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (entry.integrity === undefined) {
      if (entry.optional) unknown.push(name);
      else problems.push(`${name} has no hash in package-lock.json: install it again`);
      continue;
    }
    const licence = entry.license ?? STATED_ELSEWHERE[name] ?? 'none';
    if (!mayBeUsed(licence) && ALLOWED[name] !== licence)
      problems.push(
        `${name} is under the licence ${licence}: replace it, or allow that licence with its reason`,
      );
  }
  const notes =
    unknown.length === 0
      ? []
      : [`no hash is known of ${unknown.length} optional packages: ${unknown.join(', ')}`];
  return { problems, notes };
}

/** Of several to choose from one is enough. */
function mayBeUsed(licence: string): boolean {
  const choices = /^\((.*)\)$/.exec(licence)?.[1]?.split(' OR ') ?? [licence];
  return choices.some((choice) => LICENCES.has(choice));
}

const auditSchema = z.looseObject({
  vulnerabilities: z.record(z.string(), z.looseObject({ severity: z.string() })).optional(),
  message: z.string().optional(),
});

/** Reads what `npm audit --json` printed. Weaknesses that are high or critical are problems; the rest is noted. */
export function judgeAudit(output: string): Judgement {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    return { problems: [], notes: ['audit: not run (npm printed no JSON)'] };
  }
  const { vulnerabilities, message } = auditSchema.parse(value);
  if (vulnerabilities === undefined) {
    const why = (message ?? 'the registry did not answer').split(' - ')[0] ?? '';
    return { problems: [], notes: [`audit: not run (${why})`] };
  }
  const found = Object.entries(vulnerabilities).map(([name, { severity }]) => [severity, name] as const);
  const grave = found.filter(([severity]) => severity === 'high' || severity === 'critical');
  return {
    problems: grave.map(([severity, name]) => `${name} has a weakness that is ${severity}: see npm audit`),
    notes: [`audit: ${found.length} weaknesses, ${grave.length} of them high or critical`],
  };
}
