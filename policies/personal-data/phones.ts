import { placesOf, type Place } from './places.ts';

/** A number with its country, after + or 00 (ITU-T E.164: at most 15 digits). */
const INTERNATIONAL = /(?<![\w+]|\d )(?:\+|00(?=[1-9]))\d(?:[ ().\-/]{0,2}\d){6,14}(?!\w)/g;
/** One within a country: with its trunk prefix 0. */
const NATIONAL = /(?<![\w+.,-]|\d )(?:\(0\d{1,5}\)|0[1-9])(?:[ .\-/]?\d){5,11}(?!\w|[.,]\d)/g;
/** One of North America, in the groups that it is written in there. */
const NORTH_AMERICAN =
  /(?<![\w+.-]|\d )(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}(?!\w|-\d)/g;

/** Phone numbers, by how they are written. */
export function findPhones(text: string): readonly Place[] {
  return [INTERNATIONAL, NATIONAL, NORTH_AMERICAN].flatMap((pattern) => placesOf(pattern, text));
}
