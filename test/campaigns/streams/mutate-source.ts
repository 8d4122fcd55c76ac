import { registerHooks } from 'node:module';

/**
 * Preloaded into a role: it runs with one line of its source changed, to show that the checker notices. What is changed
 * is told in STENO_TEST_MUTATION as JSON {file, from, to}; a line that is not there ends the process.
 */
const told = process.env['STENO_TEST_MUTATION'];

if (told !== undefined) {
  // What mutationEnv wrote.
  const { file, from, to } = JSON.parse(told) as { file: string; from: string; to: string };
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${file}`) || loaded.source === null || loaded.source === undefined) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
      if (!source.includes(from)) throw new Error(`${file} has no "${from}"`);
      return { ...loaded, source: source.replace(from, to) };
    },
  });
}
