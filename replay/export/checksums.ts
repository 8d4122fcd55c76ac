/** The file that `sha256sum --check` reads. */
export const CHECKSUMS = 'SHA256SUMS';

/** Returns its text: a line for each file, in the order given; SHA-256 in hex, paths from the folder that it lies in. */
export function checksumsOf(files: readonly { readonly path: string; readonly sha256: string }[]): string {
  return files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('');
}
