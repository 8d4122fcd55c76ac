import path from 'node:path';
import { matchesAny } from './import-problems.ts';
import type { RepositoryFile } from './repository.ts';
import { readImports } from './repository.ts';
import { customaryNames, emptyNames, lineLimit, toolPackages, unlimitedFiles } from './rules.ts';

/** One sentence for each file over the line limit. */
export function lengthProblems(files: readonly RepositoryFile[]): string[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
    if (lines <= lineLimit || matchesAny(file.path, unlimitedFiles)) return [];
    return [`${file.path} has ${lines} lines; the limit is ${lineLimit}`];
  });
}

/** One sentence for each file or folder whose name is not kebab-case, or says nothing. */
export function nameProblems(files: readonly RepositoryFile[]): string[] {
  const problems = files
    .filter((file) => !matchesAny(file.path, unlimitedFiles))
    .flatMap((file) => file.path.split('/').flatMap((name) => badName(name, file.path)));
  return [...new Set(problems)];
}

function badName(name: string, where: string): string[] {
  if (emptyNames.includes(name) || emptyNames.includes(path.parse(name).name)) {
    return [`${where}: ${name} does not say what is inside`];
  }
  const isKebab = /^[.a-z0-9]+([-.][a-z0-9]+)*$/.test(name);
  return isKebab || customaryNames.test(name) ? [] : [`${where}: ${name} is not kebab-case`];
}

type Versions = Readonly<Record<string, string>>;
export type Manifest = { readonly dependencies?: Versions; readonly devDependencies?: Versions };

/** One sentence for each direct dependency that is not pinned exactly, or that nothing imports. */
export function dependencyProblems(manifest: Manifest, files: readonly RepositoryFile[]): string[] {
  const code = files.filter((file) => /\.(ts|js|mjs)$/.test(file.path));
  const imported = new Set(code.flatMap((file) => readImports(file).map(({ specifier }) => specifier)));
  const isUsed = (name: string) =>
    toolPackages.includes(name) ||
    name.startsWith('@types/') ||
    [...imported].some((specifier) => specifier === name || specifier.startsWith(`${name}/`));
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).flatMap(
    ([name, version]) => [
      ...(/^(npm:[@\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)
        ? []
        : [`${name} is not pinned exactly: ${version}`]),
      ...(isUsed(name) ? [] : [`${name} is not imported anywhere`]),
    ],
  );
}

export type Lock = {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Versions }>>;
};

/**
 * One sentence for each optional package, of whichever platform, that the lockfile does not list. Without them
 * `npm ci` refuses the lockfile, or installs nothing for that platform.
 */
export function lockProblems({ packages }: Lock): string[] {
  return Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).flatMap((name) => {
      const parts = from.split('/node_modules/');
      const places = parts.map(
        (_, depth) => `${parts.slice(0, depth + 1).join('/node_modules/')}/node_modules/${name}`,
      );
      const isListed = [`node_modules/${name}`, ...places].some((place) => place in packages);
      return isListed
        ? []
        : [`package-lock.json lists no ${name}, which ${from} may need on another platform`];
    }),
  );
}
