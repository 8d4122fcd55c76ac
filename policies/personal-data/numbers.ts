import { placesOf, type Place } from './places.ts';

type Span = Pick<Place, 'start' | 'end'>;

const CARD = /(?<![\p{L}\p{N}])\d(?:[ -]?\d){12,18}(?![\p{L}\p{N}])/gu;
/** Networks by first digits and length: Visa, Mastercard, American Express, Diners, Discover, JCB (ISO/IEC 7812 ranges). */
const NETWORK =
  /^(?:4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d)\d{12}|35\d{14})$/;
// RF begins a reference (ISO 11649), not an account.
const IBAN = /(?<![\p{L}\p{N}])(?!rf)[a-z]{2}\d{2}(?: ?[a-z\d]){11,30}(?![\p{L}\p{N}])/giu;

/** Card numbers with a network's first digits and a right check digit (Luhn, ISO/IEC 7812-1). */
export function findCards(text: string): readonly Span[] {
  return placesOf(CARD, text).filter(({ words }) => {
    const digits = words.replace(/\D/g, '');
    return NETWORK.test(digits) && isLuhn(digits);
  });
}

/** Account numbers with right check digits (ISO 13616, mod 97-10 of ISO/IEC 7064). Words that follow are no part of one. */
export function findIbans(text: string): readonly Span[] {
  return placesOf(IBAN, text).flatMap(({ words, start }) => {
    for (let length = words.length; length >= 15; length = words.lastIndexOf(' ', length - 1)) {
      const account = words.slice(0, length).replaceAll(' ', '').toUpperCase();
      if (account.length >= 15 && account.length <= 34 && isMod97(account))
        return [{ start, end: start + length }];
    }
    return [];
  });
}

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = digit * 2;
    sum += at % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

function isMod97(account: string): boolean {
  let rest = 0;
  for (const character of account.slice(4) + account.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
