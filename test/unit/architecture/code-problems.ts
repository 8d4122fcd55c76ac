import { isBuiltin } from 'node:module';
import ts from 'typescript';
import { matchesAny } from './import-problems.ts';
import type { RepositoryFile } from './repository.ts';
import { isTypeScript, parse, readImports, walk } from './repository.ts';
import { environmentReaders, impureNames, pureFiles } from './rules.ts';

/** One sentence for each use of the outside world in a file that should only compute. */
export function purityProblems(files: readonly RepositoryFile[]): string[] {
  return files
    .filter((file) => isTypeScript(file) && matchesAny(file.path, pureFiles))
    .flatMap((file) => {
      const problems = new Set<string>();
      for (const { specifier, target } of readImports(file)) {
        if (isBuiltin(specifier)) problems.add(`${file.path} is pure and imports ${specifier}`);
        const isRule = file.path.startsWith('policies/');
        if (target === null && !isBuiltin(specifier) && !isRule)
          problems.add(`${file.path} is pure and imports ${specifier}`);
      }
      walk(parse(file), (node) => {
        const name = impureUse(node);
        if (name !== undefined) problems.add(`${file.path} is pure and uses ${name}`);
      });
      return [...problems];
    });
}

/** One sentence for each file that reads the environment and is not the one that may. */
export function environmentProblems(files: readonly RepositoryFile[]): string[] {
  return files
    .filter((file) => isTypeScript(file) && !matchesAny(file.path, environmentReaders))
    .flatMap((file) => {
      const problems = new Set<string>();
      walk(parse(file), (node) => {
        if (readsEnvironment(node))
          problems.add(`${file.path} reads process.env: take the value as an argument`);
      });
      return [...problems];
    });
}

/** One sentence for each default export and each `export *`. */
export function exportProblems(files: readonly RepositoryFile[]): string[] {
  return files.filter(isTypeScript).flatMap((file) => {
    const problems: string[] = [];
    walk(parse(file), (node) => {
      if (isDefaultExport(node)) problems.push(`${file.path} has a default export`);
      const all =
        ts.isExportDeclaration(node) && (!node.exportClause || ts.isNamespaceExport(node.exportClause));
      if (all) problems.push(`${file.path} has an export *`);
    });
    return problems;
  });
}

function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return /^(globalThis\.)?process\.env$/.test(node.getText());
  // `import … from 'node:process'` would be a way around.
  return ts.isImportDeclaration(node) && /^['"](node:)?process['"]$/.test(node.moduleSpecifier.getText());
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return ts.canHaveModifiers(node) && hasModifier(node, ts.SyntaxKind.DefaultKeyword);
}

function hasModifier(node: ts.HasModifiers, kind: ts.SyntaxKind): boolean {
  return ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false;
}

/** The name of the impure thing that this node uses, if it does. */
function impureUse(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node)) return 'await';
  if (ts.canHaveModifiers(node) && hasModifier(node, ts.SyntaxKind.AsyncKeyword)) return 'async';
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  // A declaration, a property's name, or a type: none of them is a use of the global.
  if (('name' in parent && parent.name === node) || ts.isTypeReferenceNode(parent)) return undefined;
  // `process.` is the global; `process(...)` is the function that such a file exports.
  const forms = ts.isPropertyAccessExpression(parent)
    ? [node.text, `${node.text}.`, `${node.text}.${parent.name.text}`]
    : [node.text];
  return impureNames.find((name) => forms.includes(name));
}
