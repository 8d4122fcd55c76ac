import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** A file of the repository: its path from the root, with forward slashes, and its text. */
export type RepositoryFile = { readonly path: string; readonly text: string };

export type Import = {
  /** As written: `./log.ts`, `node:fs`, `zod`. */
  readonly specifier: string;
  /** The repository path a relative specifier means; null for packages. */
  readonly target: string | null;
};

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const skipped = new Set(['node_modules', '.git', '.steno', 'target', 'coverage']);

/** All text files that belong to the repository. */
export function readRepository(): RepositoryFile[] {
  return listFiles('').map((file) => ({ path: file, text: readFileSync(path.join(root, file), 'utf8') }));
}

function listFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : listFiles(file);
    return entry.isFile() && !/\.(log|tgz|jar|gguf|bin)$|^\.env$/.test(entry.name) ? [file] : [];
  });
}

export function isTypeScript(file: RepositoryFile): boolean {
  return file.path.endsWith('.ts') && !file.path.endsWith('.d.ts');
}

/** What Node or a browser runs. */
export function isCode(file: RepositoryFile): boolean {
  return isTypeScript(file) || file.path.endsWith('.js');
}

export function parse(file: RepositoryFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
}

/** Calls `visit` with every node below `node`, itself included. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => {
    walk(child, visit);
  });
}

/** Every import of a file: values and types, re-exports, `import()` calls and `import('…')` types. */
export function readImports(file: RepositoryFile): Import[] {
  const imports: Import[] = [];
  walk(parse(file), (node) => {
    const literal = moduleOf(node);
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return;
    const specifier = literal.text;
    const target = specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(file.path), specifier)
      : null;
    imports.push({ specifier, target });
  });
  return imports;
}

function moduleOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  return undefined;
}
