/** A place in the KV cache and the conversation whose tokens it holds. */
export type Seat<Sequence> = {
  readonly sequence: Sequence;
  conversationId: string | null;
  busy: boolean;
  lastUsed: number;
};

/** Hands out the sequences of a context so that a conversation finds its own KV cache again. */
export interface SequencePool<Sequence> {
  /** Returns the conversation's own seat, else a free one, else the one unused for longest; null if all are busy. */
  take(conversationId: string): Seat<Sequence> | null;
  release(seat: Seat<Sequence>): void;
}

/** Builds the pool; a seat keeps its tokens after `release` until another conversation needs it. */
export function createSequencePool<Sequence>(sequences: readonly Sequence[]): SequencePool<Sequence> {
  const seats: Seat<Sequence>[] = sequences.map((sequence) => ({
    sequence,
    conversationId: null,
    busy: false,
    lastUsed: 0,
  }));
  let uses = 0;
  return {
    take(conversationId) {
      const idle = seats.filter((seat) => !seat.busy).sort((a, b) => a.lastUsed - b.lastUsed);
      const seat = idle.find((candidate) => candidate.conversationId === conversationId) ?? idle[0];
      if (seat === undefined) return null;
      uses += 1;
      seat.conversationId = conversationId;
      seat.busy = true;
      seat.lastUsed = uses;
      return seat;
    },
    release(seat) {
      seat.busy = false;
    },
  };
}
