/** Text made safe between tags and in quoted attributes. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A name in its own type, which may break after its dots and dashes. */
export function code(name: string): string {
  return name === '' ? '' : `<code>${escape(name).replace(/[.-]/g, '$&<wbr>')}</code>`;
}

/** A column: its title, and whether it holds numbers. */
export type Column = { readonly title: string; readonly isNumber?: boolean };

/** A table; the cells are markup already. `empty` stands in its place where there are no rows. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  empty: string,
): string {
  if (rows.length === 0) return `<p class="empty">${escape(empty)}</p>`;
  const align = (index: number): string => (columns[index]?.isNumber === true ? ' class="number"' : '');
  const head = columns.map(({ title }, index) => `<th scope="col"${align(index)}>${escape(title)}</th>`);
  const body = rows.map(
    (row) => `<tr>${row.map((cell, index) => `<td${align(index)}>${cell}</td>`).join('')}</tr>`,
  );
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** A section with a heading and perhaps a line that explains it. */
export function section(title: string, body: string, note = ''): string {
  const line = note === '' ? '' : `<p class="note">${escape(note)}</p>`;
  return `<section><h2>${escape(title)}</h2>${line}${body}</section>`;
}

/** A word with a mark whose colour says the same. */
export function mark(kind: 'good' | 'busy' | 'bad' | 'quiet', word: string): string {
  return `<span class="mark ${kind}">${escape(word)}</span>`;
}

/** 1234567 -> 1,234,567 */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Seconds as people say them: 4 ms, 1.5 s, 3 min, 2 h, 5 d. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** Bytes in decimal units. */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
