/** Tells which keys are surely not stored, in little memory: a Bloom filter. It may say "perhaps" of a key that is not. */
export interface KeyFilter {
  add(key: string): void;
  mayHave(key: string): boolean;
}

const WORDS = 2 ** 22;
/** The bits of a key lie in one block of 64 bytes, which is one cache line. */
const BLOCK_WORDS = 16;
const PROBES = 5;

/**
 * 16 MiB, whatever is added: of ten million keys that are not there it takes about one in a hundred for stored.
 * Source: Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007.
 */
export function createKeyFilter(): KeyFilter {
  const words = new Uint32Array(WORDS);
  let block = 0;
  let bits = 0;

  function locate(key: string): void {
    let first = 0x811c9dc5;
    let second = 0x9747b28c;
    for (let index = 0; index < key.length; index += 1) {
      const unit = key.charCodeAt(index);
      first = Math.imul(first ^ unit, 0x01000193);
      second = Math.imul(second + unit, 0x5bd1e995) ^ (second >>> 15);
    }
    first ^= first >>> 16;
    block = ((first >>> 0) % (WORDS / BLOCK_WORDS)) * BLOCK_WORDS;
    bits = second ^ (second >>> 13);
  }

  return {
    add(key) {
      locate(key);
      for (let probe = 0; probe < PROBES; probe += 1) {
        bits = Math.imul(bits, 0x2545f491) + 0x9e3779b9;
        const word = block + ((bits >>> 28) & (BLOCK_WORDS - 1));
        words[word] = (words[word] ?? 0) | (1 << ((bits >>> 20) & 31));
      }
    },
    mayHave(key) {
      locate(key);
      for (let probe = 0; probe < PROBES; probe += 1) {
        bits = Math.imul(bits, 0x2545f491) + 0x9e3779b9;
        const word = words[block + ((bits >>> 28) & (BLOCK_WORDS - 1))] ?? 0;
        if ((word & (1 << ((bits >>> 20) & 31))) === 0) return false;
      }
      return true;
    },
  };
}
