/** A run that measured something else than it claims, such as an answer with a lost delta: its figures count nothing. */
export class VoidRun extends Error {
  override readonly name = 'VoidRun';
}
