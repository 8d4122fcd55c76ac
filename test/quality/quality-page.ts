import { measurePersonalData } from './measure-personal-data.ts';
import { precisionOf, recallOf, shareText, type Counts } from './score.ts';

/** docs/quality.md: it follows from the labelled texts and the recognisers alone. */
export function qualityPage(): string {
  const { texts, byKind } = measurePersonalData();
  return `# Quality of what is recognised

Written by \`npm run quality -- --record\`. Shares are of the half of the labelled texts that was held out while the recognisers were
written, with 95 % intervals (Wilson). Whoever wrote the recognisers labelled the texts as well, before: other people's texts will
be found less well.

## Personal data

${texts} texts in six languages (\`test/quality/pii.txt\`), as many with something personal in them as with what only looks like it. A finding
counts if its kind and both its ends are right.

| kind | marked | precision | recall |
|---|---|---|---|
${byKind.map(([kind, counts]) => rowOf(kind, counts)).join('\n')}

Not looked for: names, addresses of houses, dates of birth. Phone numbers are recognised by how they are written; libphonenumber
(1.13) after the same rules found the same ones and was left out. Addresses of the Internet that every home network has, and those
that read like versions, are no findings.
`;
}

function rowOf(kind: string, counts: Counts): string {
  const marked = counts.found + counts.missed;
  return `| ${kind} | ${marked} | ${shareText(precisionOf(counts))} | ${shareText(recallOf(counts))} |`;
}
