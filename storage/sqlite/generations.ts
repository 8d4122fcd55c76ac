import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StenoError } from '../../runtime/errors.ts';
import type { Generations, GenerationStore } from '../generations.ts';
import { openDatabase, openReader, type OpenOptions } from './open-database.ts';

/**
 * Keeps the databases of a folder in `<name>-v<version>.<generation>.db`. `<name>-v<version>.current` names the generation
 * in use; without it that is the first one.
 */
export function openGenerationStore(folder: string, options: OpenOptions = {}): GenerationStore {
  return {
    of: (name, version) => generationsOf(folder, `${name}-v${version}`, options),
    removeVersionsBefore(name, version) {
      return removeWhere(folder, (file) => {
        const found = new RegExp(`^${escape(name)}-v(\\d+)\\.`).exec(file)?.[1];
        return found !== undefined && Number(found) < version;
      });
    },
  };
}

function generationsOf(folder: string, stem: string, options: OpenOptions): Generations {
  const pointer = join(folder, `${stem}.current`);
  const fileOf = (generation: number): string => join(folder, `${stem}.${generation}.db`);

  function current(): number {
    let text: string;
    try {
      text = readFileSync(pointer, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 1;
      throw error;
    }
    const generation = Number(text);
    if (Number.isSafeInteger(generation) && generation >= 1) return generation;
    throw new StenoError('store_corrupt', `${pointer} names no generation`, {
      fix: `stop every role and delete the file: the first generation is used, or rebuilt from the log`,
      facts: { file: pointer },
    });
  }

  return {
    current,
    exists: (generation) => existsSync(fileOf(generation)),
    open: (generation) => openDatabase(fileOf(generation), options),
    openReader: (generation) => openReader(fileOf(generation), options),
    makeCurrent(generation) {
      mkdirSync(folder, { recursive: true });
      const draft = `${pointer}.${process.pid}`;
      writeFileSync(draft, `${generation}\n`, { flush: true });
      // A reader sees the old name or the new one, never a part.
      renameSync(draft, pointer);
    },
    remove(generation) {
      const begin = `${stem}.${generation}.db`;
      removeWhere(
        folder,
        (file) => file === begin || file.startsWith(`${begin}-`) || file === `${begin}.host`,
      );
    },
    prune() {
      const used = current();
      return removeWhere(folder, (file) => {
        const found = new RegExp(`^${escape(stem)}\\.(\\d+)\\.db`).exec(file)?.[1];
        return found !== undefined && Number(found) < used;
      });
    },
  };
}

/** Whoever still has a file open reads on in it until he closes it. */
function removeWhere(folder: string, chosen: (file: string) => boolean): readonly string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter(chosen).sort();
  for (const file of files) rmSync(join(folder, file), { force: true });
  return files;
}

function escape(text: string): string {
  return text.replace(/[^a-z0-9]/gi, '\\$&');
}
