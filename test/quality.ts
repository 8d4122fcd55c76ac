import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { qualityPage } from './quality/quality-page.ts';

const HELP = `Measures what recognises something in texts, on texts that people labelled, and prints how often it is right.

Usage: npm run quality -- [--record]

  --record  write docs/quality.md as well
  --help    show this

Exit codes: 0 measured, 2 wrong usage.`;

const PAGE = new URL('../docs/quality.md', import.meta.url);

function main(): number {
  let values: { readonly record?: boolean; readonly help?: boolean };
  try {
    ({ values } = parseArgs({ options: { record: { type: 'boolean' }, help: { type: 'boolean' } } }));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const page = qualityPage();
  console.log(page);
  if (values.record === true) writeFileSync(PAGE, page);
  return 0;
}

process.exitCode = main();
