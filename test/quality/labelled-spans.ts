import { readFileSync } from 'node:fs';

/** One text with what a person marked in it. */
export type LabelledText = {
  readonly text: string;
  readonly spans: readonly Span[];
  /** True for the half that nobody looked at while a recogniser was written. */
  readonly isHeldOut: boolean;
};

/** UTF-16 offsets, the end not included. */
type Span = { readonly kind: string; readonly start: number; readonly end: number };

const MARK = /⟦([a-z]+)\|(.*?)⟧/gu;

/** Reads a file of texts, one a line: `⟦kind|words⟧` marks words of a kind. Lines with an even number are held out. */
export function readLabelledSpans(path: URL): readonly LabelledText[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line, index) => ({ ...unmark(line), isHeldOut: (index + 1) % 2 === 0 }));
}

function unmark(line: string): Pick<LabelledText, 'text' | 'spans'> {
  const spans: Span[] = [];
  let text = '';
  let at = 0;
  for (const match of line.matchAll(MARK)) {
    const [whole, kind = '', words = ''] = match;
    text += line.slice(at, match.index);
    spans.push({ kind, start: text.length, end: text.length + words.length });
    text += words;
    at = match.index + whole.length;
  }
  return { text: text + line.slice(at), spans };
}
