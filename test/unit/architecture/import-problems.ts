import { isBuiltin } from 'node:module';
import path from 'node:path';
import type { Import, RepositoryFile } from './repository.ts';
import { isCode, readImports } from './repository.ts';
import {
  adapters,
  catalogues,
  importableOnlyBy,
  importRules,
  separate,
  standalone,
  vendorHomes,
} from './rules.ts';

/** One sentence for each import that the rules do not allow. */
export function importProblems(files: readonly RepositoryFile[]): string[] {
  return files
    .filter(isCode)
    .flatMap((file) =>
      readImports(file).flatMap((found) =>
        found.target === null ? vendorProblem(file.path, found) : folderProblem(file.path, found.target),
      ),
    );
}

/** One sentence for each group of files that import each other in a circle, by value or by type. */
export function cycleProblems(files: readonly RepositoryFile[]): string[] {
  const graph = new Map(
    files.filter(isCode).map((file) => [file.path, readImports(file).flatMap(({ target }) => target ?? [])]),
  );
  const done = new Set<string>();
  const problems: string[] = [];
  const follow = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file);
    if (start >= 0) problems.push(`cycle: ${[...trail.slice(start), file].join(' -> ')}`);
    if (start >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) follow(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) follow(file, []);
  return problems;
}

export function matchesAny(file: string, globs: readonly string[]): boolean {
  return globs.some((glob) => path.posix.matchesGlob(file, glob));
}

function folderProblem(from: string, to: string): string[] {
  const problem = (why: string) => [`${from} may not import ${to}: ${why}`];
  const [fromTop = '', fromFolder = ''] = from.split('/');
  const [toTop = '', toFolder = ''] = to.split('/');
  if (!from.includes('/')) return [];
  if (fromTop === toTop) {
    const bothDeep = from.split('/').length > 2 && to.split('/').length > 2;
    const strangers = separate.includes(fromTop) && bothDeep && fromFolder !== toFolder;
    if (strangers) return problem(`${fromTop} talk through topics`);
    const choosesAdapter = matchesAny(to, adapters) && fromFolder !== toFolder && !from.endsWith('/main.ts');
    return choosesAdapter ? problem('adapters are chosen in a main.ts') : [];
  }
  const onlyBy = importableOnlyBy[toTop];
  if (onlyBy !== undefined && !onlyBy.includes(fromTop)) return problem(`nothing imports ${toTop}`);
  const rule = importRules.find(({ files }) => path.posix.matchesGlob(from, files));
  if (rule === undefined) return problem(`${fromTop} has no line in the rules`);
  if (matchesAny(to, rule.mayImport)) return [];
  if (!matchesAny(to, [...adapters, ...catalogues])) return problem(`not in the line of ${rule.files}`);
  return path.posix.basename(from) === 'main.ts' ? [] : problem('adapters are chosen in a main.ts');
}

function vendorProblem(from: string, { specifier }: Import): string[] {
  if (matchesAny(from, standalone)) return [`${from} may not import ${specifier}: it stands alone`];
  if (/^(test|bench)\//.test(from) || !from.includes('/')) return [];
  const depth = specifier.startsWith('@') ? 2 : 1;
  const name = isBuiltin(specifier) ? specifier : specifier.split('/').slice(0, depth).join('/');
  const homes = Object.entries(vendorHomes).find(([glob]) => path.posix.matchesGlob(name, glob))?.[1];
  if (homes !== undefined) {
    return matchesAny(from, homes) ? [] : [`${from} may not import ${name}: its home is ${homes.join(', ')}`];
  }
  return isBuiltin(specifier) ? [] : [`${from} may not import ${name}: the package has no home in the rules`];
}
