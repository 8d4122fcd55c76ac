import { z } from 'zod';

/** A parameter that this gateway cannot honour: it may be left out, be null, or say what holds anyway. */
export function unsupported(
  why: string,
  isHarmless: (value: unknown) => boolean = () => false,
): z.ZodOptional<z.ZodUnknown> {
  return z
    .unknown()
    .refine((value) => value === undefined || value === null || isHarmless(value), {
      error: `not supported: ${why}`,
    })
    .describe(`Not supported: ${why}.`)
    .optional();
}

/** True for a list or an object without anything in it. */
export function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** True for the format of a plain text. */
export function isTextFormat(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'text';
}
