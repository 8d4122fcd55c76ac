import { isUnion, type AvroField, type AvroNamed, type AvroType } from './sources.ts';

/** Renders a record or an enum as Markdown: its doc, and its fields or symbols. `topics` says where it flows. */
export function renderNamed(named: AvroNamed, topics: string | null): string {
  const head = `### ${named.name}\n\n${named.doc}\n${topics === null ? '' : `\nOn ${topics}.\n`}`;
  if (named.type === 'enum') {
    const symbols = named.symbols.map((symbol) => `\`${symbol}\``).join(', ');
    return `${head}\nOne of ${symbols}; \`${named.default}\` for a reader that does not know the symbol.\n`;
  }
  const rows = named.fields.map(renderField);
  return `${head}\n| field | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function renderField(field: AvroField): string {
  const byDefault = field.default === undefined ? '' : ` Default \`${JSON.stringify(field.default)}\`.`;
  const personal = field.pii === true ? ' Personal data.' : '';
  return `| \`${field.name}\` | ${renderType(field.type)} | ${cell(field.doc + personal + byDefault)} |`;
}

/** Renders a type; shared types link to their section. */
function renderType(type: AvroType): string {
  if (typeof type === 'string') {
    if (!type.includes('.')) return type;
    const name = type.slice(type.lastIndexOf('.') + 1);
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (isUnion(type)) return type.map(renderType).join(' or ');
  switch (type.type) {
    case 'array':
      return `list of ${renderType(type.items)}`;
    case 'map':
      return `map of ${renderType(type.values)}`;
    case 'long':
      return type.logicalType;
    default:
      return type.name;
  }
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}
